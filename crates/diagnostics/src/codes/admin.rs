//! What does PC0147 mean? Who may operate the gateway from elsewhere.

super::page::table! {
    "PC0147" Error: "an operator that no certificate can name"
        means "The list `admin.remote.operators` is empty, names somebody twice, or has a text that is neither a SPIFFE ID nor a DNS name in lower case; a wildcard is none."
        matters "Whoever operates a gateway reads what it decides and has it read its estate anew: who that is must be exact, and a list that nobody can be on lets nobody in."
        mend "Name each operator once, by the SPIFFE ID or the DNS name of its certificate."
        "portcullis.yaml"
        wrong "policies: policies\nadmin: {remote: {address: \"127.0.0.1:9443\", tls: {certificates: [{certificate: admin.pem, key: {file: admin.key}}], client: {roots: operators.pem}}, operators: [\"*.ops.example\"]}}"
        right "policies: policies";
}
