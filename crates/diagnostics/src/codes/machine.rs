//! What do PC0511 to PC0519 mean? The machine that an estate is served on, as `portcullis doctor`
//! finds it.

super::page::table! {
    "PC0511" Error: "the clock is wrong"
        means "The clock says a year that cannot be, is being set, lies behind the records that were written here, or differs by more than five seconds from that of an issuer whose keys were fetched."
        matters "By the clock tokens expire, keys get stale and limits fill. A wrong one lets expired tokens through or refuses everybody."
        mend "Synchronize it: `chronyc tracking`, `timedatectl`.";
    "PC0512" Error: "too few file descriptors"
        means "All connections that the declaration allows, of clients and to upstreams over all workers, need more file descriptors than the system allows the process at the most. `run` raises the soft limit itself and does not start where the hard limit is too low."
        matters "A gateway without file descriptors accepts no connection and writes no record."
        mend "Lower `guards.connections_max` or the `connections_max` of upstreams, or allow more: `LimitNOFILE=` of the systemd unit, `ulimit -Hn`.";
    "PC0513" Error: "a secret is missing or open to others"
        means "A pepper, a store of API keys or the seal key is missing, cannot be read, has the wrong length, may be read by everybody, or written by others than its owner."
        matters "Without its secret a provider accepts nobody, and a secret that others read is none."
        mend "Make it with `portcullis key new`; the file belongs to the gateway's user, with mode 0600.";
    "PC0514" Error: "an issuer's keys cannot be had"
        means "The key set of a provider cannot be read or fetched, or has no key that can be used."
        matters "No token of that issuer can be verified, and every caller of it is refused."
        mend "Check the path or URL of `keys`, and that this machine reaches it.";
    "PC0515" Error: "records cannot be written, or not for long"
        means "The folder of records cannot be written, or its disk has less room than `records.keep_files` files of `records.rotate_bytes` may take."
        matters "Where a crossing needs a durable record, nothing crosses without one."
        mend "Let the gateway's user write the folder, or make room.";
    "PC0516" Error Warning: "the admin socket"
        means "Something that is no socket lies where the admin socket should be, or its path is too long (error); or the gateway that answers there serves another revision than this estate has (warning)."
        matters "Without its admin socket a gateway does not start. With another revision, what was checked is not what is enforced."
        mend "Remove what is in the way, or choose another `admin.socket`; reload the gateway.";
    "PC0517" Error Warning: "a listener's address cannot be had"
        means "The address of a listener is in use by another process or may not be bound (error); or a gateway runs and does not listen there (warning)."
        matters "A gateway listens everywhere that it declares, or does not start."
        mend "Stop whoever listens there (`ss -ltnp`), correct the address, or allow low ports (`AmbientCapabilities=CAP_NET_BIND_SERVICE`).";
    "PC0518" Error: "an upstream cannot be reached"
        means "No connection to the upstream can be made within its `connect_timeout`, or its name has no address."
        matters "What is let through to it is answered 502 or 504."
        mend "Start it, or correct `address`; a firewall or a missing route looks the same.";
    "PC0519" Error Note: "memory is short"
        means "All connections that the declaration allows need more memory than the process may have (error), or would if each sent its largest body at once (note). The estimate counts the buffers of connections and bodies."
        matters "A process without memory is ended by the system, with everything under way."
        mend "Lower `guards.connections_max` or `inspection.body_bytes_max`, or give it more memory.";
}
