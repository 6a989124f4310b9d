//! What do PC0501 to PC0510 mean? The estate as a whole: its files, and what stands between APIs.

super::page::table! {
    "PC0501" Error: "a contract was not handed over"
        means "An API names a contract whose text was not given to the compiler."
        matters "Operations come from contracts; without one, nothing of the API is reachable."
        mend "Check the path, relative to the folder of the declaration. The command line says PC0504 before it comes to this.";
    "PC0502" Error: "two operations that are the same to a client"
        means "Operations of two APIs answer to the same host, method and path."
        matters "One request must lead to one operation."
        mend "Give the APIs different hosts or base paths."
        "portcullis.yaml"
        wrong "    contract: contracts/orders.yaml\n    hosts: [api.shop.example]\n    base_path: /v1"
        right "    contract: contracts/stock.yaml\n    hosts: [stock.shop.example, 127.0.0.1, localhost]\n    base_path: /stock/v1";
    "PC0503" Error: "there is no declaration"
        means "The folder has no `portcullis.yaml`, or the file cannot be read."
        matters "Nothing is enforced that is not declared."
        mend "`portcullis init` writes a declaration; `-C DIR` names another folder.";
    "PC0504" Error: "a file of the estate cannot be read"
        means "A contract, a policy file or the folder of policies is missing, cannot be opened, is larger than 16 MiB, or is not UTF-8."
        matters "An estate is loaded whole or not at all."
        mend "Check the path, relative to the folder of the declaration."
        "portcullis.yaml"
        wrong "contract: contracts/order.yaml"
        right "contract: contracts/orders.yaml";
    "PC0510" Error: "there is no such overlay"
        means "`--overlay NAME` was given and `overlays/NAME.yaml` is not in the folder of the declaration, cannot be read, or NAME is no name."
        matters "The declaration alone would be that of another environment."
        mend "Check the name; the finding says which overlays there are.";
}
