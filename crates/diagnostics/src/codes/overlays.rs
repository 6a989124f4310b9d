//! What do PC0165 to PC0169 mean? Overlays: what is otherwise in one environment.

super::page::table! {
    "PC0165" Error: "an overlay names what the declaration does not have"
        means "The overlay changes or removes a named thing (an upstream, a listener, a boundary, …) that is not declared, or that it removes itself."
        matters "A name that stands for nothing leaves the change without effect; were it taken as a new thing, a mistyped name would stand beside the one that was meant."
        mend "Write the name that was meant. What is new belongs under `add`, in the same shape."
        "overlays/staging.yaml"
        wrong "  ordres: {address: \"10.20.0.11:8080\"}"
        right "  orders: {address: \"10.20.0.11:8080\"}";
    "PC0166" Error: "an overlay changes nothing"
        means "A value of the overlay is the one that the declaration has, or that holds where the declaration is silent; or the overlay as a whole makes no difference."
        matters "Whoever reads it would think that this environment differs here, and would look for the difference."
        mend "Remove it from the overlay."
        "overlays/staging.yaml"
        wrong "response_timeout: 2s"
        right "response_timeout: 5s";
    "PC0167" Error: "what an overlay adds is there already"
        means "Under `add` stands a name that is declared already, or a value that is no named thing."
        matters "`add` never changes what is there. So a change is always seen to be one."
        mend "Write it outside of `add`, where things are changed; or remove the old thing under `remove`, to add another one as a whole."
        "overlays/staging.yaml"
        wrong "    at-once: {per: principal, rate: {amount: 30, window: 1m}}"
        right "    per-tester: {per: principal, rate: {amount: 30, window: 1m}}";
    "PC0168" Error: "the form of an overlay"
        means "The overlay is no mapping, lacks `apiVersion` or has another one than the declaration, or its `add` and `remove` do not have their form: `add` has the shape of a declaration, `remove` lists names by section."
        matters "An overlay that is not understood is not enforced, and this environment would be declared otherwise than its file says."
        mend "`portcullis schema overlay` prints what may stand in an overlay. Only things of the sections `apis`, `boundaries`, `limits`, `listeners`, `providers`, `upstreams` and `zones` can be removed."
        "overlays/staging.yaml"
        wrong "  zone: [partners]"
        right "  zones: [partners]";
    "PC0169" Note: "an overlay widens what can cross"
        means "With the overlay something crosses that the declaration alone keeps out: a higher bound, a provider more, a limit less. `check --overlay` compares the two."
        matters "An environment that lets more through should do so for all to see."
        mend "Nothing, if it is meant. `portcullis diff --overlay NAME` says all that differs.";
}
