//! What do PC0212 to PC0219 mean? What a contract says about the parameters and bodies of its
//! operations.

super::page::table! {
    "PC0212" Error: "a parameter that is not understood"
        means "The parameter has no name or no place (`in`), or `parameters` is not a list."
        matters "A parameter that is not understood cannot be checked."
        mend "Give it `name`, `in` (`path`, `query`, `header` or `cookie`) and `schema`."
        "contracts/orders.yaml"
        wrong "- {name: search, schema: {type: string, maxLength: 40}}"
        right "- {name: search, in: query, schema: {type: string, maxLength: 40}}";
    "PC0213" Error: "a parameter that can be cut in several ways"
        means "The parameter has a style other than `form` (query, cookie) or `simple` (path, header), `allowReserved`, `content` instead of `schema`, no `schema`, one that may be an object or either one value or an array, one that is nested without end, or it is an exploded array in a cookie."
        matters "Written this way, its values can be cut in several ways or claim any name. The upstream may cut otherwise than what was checked."
        mend "Use `form` in queries, `simple` in paths and headers, and flat values."
        "contracts/orders.yaml"
        wrong "- {name: search, in: query, style: deepObject, schema: {type: object}}"
        right "- {name: search, in: query, schema: {type: string, maxLength: 40}}";
    "PC0214" Error: "a parameter is declared twice"
        means "One list of parameters has two of the same name and place. A parameter of an operation may replace that of its path item."
        matters "Which of the two is enforced would be chance."
        mend "Remove one."
        "contracts/orders.yaml"
        wrong "- {name: limit, in: query, schema: {type: integer}}\n      - {name: limit, in: query, schema: {type: string}}"
        right "- {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}";
    "PC0215" Error Warning: "path and path parameters disagree"
        means "The path has a parameter that is not declared, or a path parameter is declared that the path does not have. One that is not `required: true` is a warning, and is required all the same."
        matters "What a path parameter may hold is checked against its declaration."
        mend "Declare each `{name}` of the path with `in: path` and `required: true`, and no other."
        "contracts/orders.yaml"
        wrong "OrderId: {name: order, in: path, "
        right "OrderId: {name: orderId, in: path, ";
    "PC0216" Warning: "a header that OpenAPI describes elsewhere"
        means "A header parameter is called `Accept`, `Authorization` or `Content-Type`."
        matters "OpenAPI gives such a parameter no effect, and nothing here checks it."
        mend "Remove it; say the same by `content` and `security`."
        "contracts/orders.yaml"
        wrong "- {name: Authorization, in: header, schema: {type: string}}"
        right "- {name: search, in: query, schema: {type: string, maxLength: 40}}";
    "PC0217" Error: "a body in a form that is not supported"
        means "The media type is not JSON, a form, `text/plain` or `application/octet-stream`; or it stands twice; or it has an `encoding`."
        matters "A body that cannot be checked against its contract is not let through."
        mend "Use `application/json`, another `application/…+json` type, a form, `text/plain` or `application/octet-stream`, each once."
        "contracts/orders.yaml"
        wrong "content: {text/csv: {schema: "
        right "content: {application/json: {schema: ";
    "PC0218" Error: "a body without schema"
        means "`requestBody` has no `content`, or a media type has no `schema`."
        matters "What the body may hold is not said, so it cannot be checked."
        mend "List a media type with a schema under `content`, or remove `requestBody`."
        "contracts/orders.yaml"
        wrong "content: {application/json: {}}"
        right "content: {application/json: {schema: {$ref: \"#/components/schemas/NewOrder\"}}}";
    "PC0219" Error: "a body on a method that has none"
        means "An operation for GET, HEAD or OPTIONS has a `requestBody`."
        matters "Servers and proxies drop, ignore or misread bodies of such requests (RFC 9110 section 9.3), which is how one request becomes two."
        mend "Use POST, PUT, PATCH or DELETE, or move the values into parameters."
        "contracts/orders.yaml"
        wrong "      operationId: getOrder\n      requestBody: {content: {application/json: {schema: {type: object}}}}"
        right "      operationId: getOrder";
}
