//! What do PC0200 to PC0211 mean? A contract's text, its operations, and what its references
//! lead to.

super::page::table! {
    "PC0200" Error: "the contract cannot be read"
        means "The file is not YAML or JSON, not a mapping, has a key twice, uses a merge key, or is larger than 16 MiB."
        matters "Operations come from the contract; nothing of the API is reachable without it."
        mend "Correct the document; a linter for YAML shows the same place."
        "contracts/orders.yaml"
        wrong "openapi: 3.1.0\nopenapi: 3.1.0"
        right "openapi: 3.1.0";
    "PC0201" Error: "a path with several readings"
        means "The path does not begin with `/`, has an empty segment, names a parameter twice, has a segment that is half text and half parameter, or one that is not in canonical form (`..`, `;`, a percent escape, other characters)."
        matters "Requests are matched by whole, canonical segments, so that a path has one meaning."
        mend "Write `/text/{parameter}` with unreserved characters, each parameter a whole segment."
        "contracts/orders.yaml"
        wrong "  /tenants-{tenant}/orders:"
        right "  /tenants/{tenant}/orders:";
    "PC0202" Warning: "an operation without id"
        means "The operation has no `operationId`. It is called by its method and path, such as `get /products`."
        matters "Policies, limits and records name operations by id; a name made from the path changes with it."
        mend "Add `operationId`."
        "contracts/orders.yaml"
        wrong "    get:\n      security: []"
        right "    get:\n      operationId: listProducts\n      security: []";
    "PC0203" Error: "an id that cannot name an operation"
        means "The `operationId` is empty, no text, longer than 128 bytes, has characters beyond visible ASCII or one of `\"`, `\\`, `:`, or is `op_read`, `op_write` or `op_delete`, which name groups of operations."
        matters "The id becomes the name of a policy action, a metric label and a part of every record."
        mend "Use an id such as `listProducts`."
        "contracts/orders.yaml"
        wrong "operationId: \"orders: list\""
        right "operationId: listOrders";
    "PC0204" Error: "two operations of the same id"
        means "Two operations of the contract have the same `operationId`."
        matters "A policy that names the id would mean both."
        mend "Give each operation an id of its own."
        "contracts/orders.yaml"
        wrong "operationId: getOrder\n      responses: {\"204\""
        right "operationId: cancelOrder\n      security: [{token: [orders:write]}]\n      responses: {\"204\"";
    "PC0205" Error: "two paths for the same requests"
        means "Two paths of the contract differ only in the names of their parameters."
        matters "A request would match both, and which one decides would be chance."
        mend "Keep one of the two paths."
        "contracts/orders.yaml"
        wrong "  /tenants/{other}/orders: {}\n  /tenants/{tenant}/orders:"
        right "  /tenants/{tenant}/orders:";
    "PC0206" Error: "an unknown key in a path item"
        means "The path item has a key that is neither a method nor known to OpenAPI, or it or one of its operations is not a mapping."
        matters "A key that is not understood is not enforced. A mistyped method would be an operation that nobody checks."
        mend "Correct or remove it."
        "contracts/orders.yaml"
        wrong "    gte:\n      operationId: listProducts"
        right "    get:\n      operationId: listProducts";
    "PC0207" Warning: "TRACE is ignored"
        means "The path item has an operation for TRACE."
        matters "TRACE reflects what it is sent, credentials included, and never crosses."
        mend "Remove it."
        "contracts/orders.yaml"
        wrong "  /products:\n    trace: {operationId: traceProducts, responses: {}}"
        right "  /products:";
    "PC0208" Warning: "callbacks and webhooks are ignored"
        means "The contract describes requests that the upstream sends to others: `callbacks` of an operation, or `webhooks`."
        matters "Such requests do not pass this boundary, so nothing here protects them."
        mend "Nothing, if they are protected elsewhere."
        "contracts/orders.yaml"
        wrong "webhooks: {}\npaths:"
        right "paths:";
    "PC0210" Error: "a reference that leads nowhere"
        means "A `$ref` names a part that the document does not have, leads to another file or address, or leads in a circle."
        matters "A part that cannot be found cannot be enforced. Reading a contract never fetches anything, so that what was reviewed is what is enforced."
        mend "Bundle the contract into one file, with references of the form `#/components/…`."
        "contracts/orders.yaml"
        wrong "{$ref: \"schemas.yaml#/NewOrder\"}"
        right "{$ref: \"#/components/schemas/NewOrder\"}";
    "PC0211" Error: "a schema that moves the base of references"
        means "A schema uses `$id`, `$anchor`, `$dynamicAnchor`, `$dynamicRef` or `$vocabulary`."
        matters "The keyword changes what references below it mean, so the schema would mean something else here than its author meant."
        mend "Use plain `$ref`s of the form `#/components/schemas/…`."
        "contracts/orders.yaml"
        wrong "    NewOrder:\n      $id: new-order"
        right "    NewOrder:";
}
