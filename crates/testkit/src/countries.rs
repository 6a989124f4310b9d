//! A MaxMind DB file made from a list of networks, in the format's own words
//! (maxmind.github.io/MaxMind-DB): a search tree over 128 bits, a data section, and metadata.

use std::net::IpAddr;

use ipnet::IpNet;

/// Where a record of the tree leads.
#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    Country(usize),
}

/// The bytes of a file in which these networks have these countries, built at that time (seconds).
/// Narrower networks come after wider ones.
#[must_use]
pub fn database(networks: &[(&str, &str)], built: u64) -> Vec<u8> {
    let mut nodes = vec![[Record::Nothing; 2]];
    for (at, (network, _)) in networks.iter().enumerate() {
        insert(&mut nodes, network.parse().unwrap(), at);
    }
    let mut data = Vec::new();
    let mut places = Vec::new();
    for (_, code) in networks {
        places.push(data.len());
        map(&mut data, 1);
        text(&mut data, "country");
        map(&mut data, 1);
        text(&mut data, "iso_code");
        text(&mut data, code);
    }
    let mut file = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            Record::Nothing => nodes.len(),
            Record::Node(node) => *node,
            Record::Country(at) => nodes.len() + 16 + places[*at],
        };
        file.extend(u32::try_from(value).unwrap().to_be_bytes());
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    metadata(&mut file, nodes.len(), built);
    file
}

/// IPv4 lies in `::/96`.
fn insert(nodes: &mut Vec<[Record; 2]>, network: IpNet, country: usize) {
    let (bits, length) = match network.addr() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 96 + network.prefix_len()),
        IpAddr::V6(address) => (u128::from(address), network.prefix_len()),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == length {
            nodes[node][side] = Record::Country(country);
            return;
        }
        node = match nodes[node][side] {
            Record::Node(next) => next,
            wider @ (Record::Nothing | Record::Country(_)) => {
                nodes.push([wider; 2]);
                nodes[node][side] = Record::Node(nodes.len() - 1);
                nodes.len() - 1
            }
        };
    }
}

fn metadata(file: &mut Vec<u8>, nodes: usize, built: u64) {
    map(file, 9);
    text(file, "binary_format_major_version");
    file.extend([0xa1, 2]);
    text(file, "binary_format_minor_version");
    file.extend([0xa1, 0]);
    text(file, "build_epoch");
    file.extend([8, 2]);
    file.extend(built.to_be_bytes());
    text(file, "database_type");
    text(file, "Test-Country");
    text(file, "description");
    map(file, 1);
    text(file, "en");
    text(file, "made by a test");
    text(file, "ip_version");
    file.extend([0xa1, 6]);
    text(file, "languages");
    file.extend([0, 4]);
    text(file, "node_count");
    file.push(0xc4);
    file.extend(u32::try_from(nodes).unwrap().to_be_bytes());
    text(file, "record_size");
    file.extend([0xa1, 32]);
}

fn map(data: &mut Vec<u8>, entries: u8) {
    data.push(0xe0 | entries);
}

fn text(data: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap();
    if length < 29 {
        data.push(0x40 | length);
    } else {
        data.extend([0x40 | 29, length - 29]);
    }
    data.extend(text.as_bytes());
}
