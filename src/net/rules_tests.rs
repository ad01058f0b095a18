//! Hostile addresses in every notation, and the law that notation changes no judgement.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::net::range;

const PRIVATE: Rule = Rule::NotPublic("private");
const LOOPBACK: Rule = Rule::NotPublic("loopback");
const LINK_LOCAL: Rule = Rule::NotPublic("link-local");
const DOCUMENTATION: Rule = Rule::NotPublic("for documentation");
const PROTOCOLS: Rule = Rule::NotPublic("for protocols");
const COMPATIBLE: Rule = Rule::NotPublic("IPv4-compatible");
const NAT64: Rule = Rule::NotPublic("translated to IPv4 (NAT64)");
const UNASSIGNED: Rule = Rule::NotPublic("not given out");

fn verdict(rules: &Rules, url: &str) -> Result<String, Rule> {
    rules.check(url, Plain::Public).map(|target| target.url.into()).map_err(|refusal| refusal.rule)
}

fn allowing(allow: &[&str]) -> Rules {
    Rules { allow: allow.iter().map(|text| text.parse().expect("an entry")).collect(), ..Rules::default() }
}

#[test]
fn every_hostile_notation_and_range_is_refused_by_its_rule() {
    let rules = Rules::default();
    for (url, rule) in [
        // What is no web address at all.
        ("", Rule::NotUrl),
        ("shop.example/a.jpg", Rule::NotUrl),
        ("//shop.example/a.jpg", Rule::NotUrl),
        ("http://", Rule::NotUrl),
        ("http://shop.example /", Rule::NotUrl),
        ("http://shop.example/a b", Rule::NotUrl),
        ("http://shop\t.example/", Rule::NotUrl),
        ("http://shop.example/\r\nHost:evil", Rule::NotUrl),
        ("http://shop.example/\u{0}", Rule::NotUrl),
        ("http://sh%00op.example/", Rule::NotUrl),
        ("http://[::1", Rule::NotUrl),
        ("http://4294967296/", Rule::NotUrl),
        ("http://256.1.1.1/", Rule::NotUrl),
        ("http://1.2.3.4.5/", Rule::NotUrl),
        ("http://shop.example:99999/", Rule::NotUrl),
        // Schemes.
        ("file:///etc/passwd", Rule::Scheme),
        ("ftp://shop.example/", Rule::Scheme),
        ("gopher://shop.example/", Rule::Scheme),
        ("data:image/png;base64,AA==", Rule::Scheme),
        ("javascript:alert(1)", Rule::Scheme),
        ("ws://shop.example/", Rule::Scheme),
        ("unix:/var/run/docker.sock", Rule::Scheme),
        // Who is called hides behind who is named.
        ("https://shop.example@127.0.0.1/", Rule::Userinfo),
        ("https://user:password@shop.example/", Rule::Userinfo),
        ("https://:password@shop.example/", Rule::Userinfo),
        // Ports that speak something else.
        ("https://shop.example:22/", Rule::Port(22)),
        ("https://shop.example:25/", Rule::Port(25)),
        ("http://shop.example:6379/", Rule::Port(6379)),
        ("https://1.1.1.1:8443/", Rule::Port(8443)),
        ("https://shop.example:0/", Rule::Port(0)),
        // Names of private networks.
        ("http://localhost/", Rule::LocalName),
        ("http://LOCALHOST/", Rule::LocalName),
        ("http://a.b.localhost/", Rule::LocalName),
        ("http://printer/", Rule::LocalName),
        ("http://nas.local/", Rule::LocalName),
        ("http://metadata.google.internal/computeMetadata/v1/", Rule::LocalName),
        ("http://router.home.arpa/", Rule::LocalName),
        ("http://hidden.onion/", Rule::LocalName),
        ("http://shop.test/", Rule::LocalName),
        ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", Rule::LocalName),
        ("http://%6c%6f%63%61%6c%68%6f%73%74/", Rule::LocalName),
        ("http://localhost./", Rule::TrailingDot),
        ("http://shop.example./", Rule::TrailingDot),
        ("http://shop.example。/", Rule::TrailingDot),
        // 127.0.0.1 in every notation.
        ("http://127.0.0.1/", LOOPBACK),
        ("http://127.0.0.1./", LOOPBACK),
        ("http://127.1/", LOOPBACK),
        ("http://127.0.1/", LOOPBACK),
        ("http://2130706433/", LOOPBACK),
        ("http://0x7f000001/", LOOPBACK),
        ("http://0X7F.1/", LOOPBACK),
        ("http://0x7f.0x0.0x0.0x1/", LOOPBACK),
        ("http://017700000001/", LOOPBACK),
        ("http://0177.0.0.01/", LOOPBACK),
        ("http://0x7f.0.1/", LOOPBACK),
        ("http://127.255.255.254/", LOOPBACK),
        ("http://①②⑦.⓪.⓪.①/", LOOPBACK),
        ("http://１２７.０.０.１/", LOOPBACK),
        ("http://127。0。0。1/", LOOPBACK),
        ("http://%31%32%37.0.0.1/", LOOPBACK),
        ("http:\\\\127.0.0.1\\a", LOOPBACK),
        ("http:127.0.0.1", LOOPBACK),
        ("http:////127.0.0.1/", LOOPBACK),
        ("HTTP://127.0.0.1/", LOOPBACK),
        ("http://[::1]/", LOOPBACK),
        ("http://[0:0:0:0:0:0:0:1]/", LOOPBACK),
        ("http://[0000:0000:0000:0000:0000:0000:0000:0001]/", LOOPBACK),
        ("http://[::ffff:127.0.0.1]/", LOOPBACK),
        ("http://[::ffff:7f00:1]/", LOOPBACK),
        ("http://[0:0:0:0:0:ffff:7f00:1]/", LOOPBACK),
        ("http://[::127.0.0.1]/", COMPATIBLE),
        ("http://[2002:7f00:1::]/", Rule::NotPublic("tunnelled to IPv4 (6to4)")),
        ("http://[64:ff9b::127.0.0.1]/", NAT64),
        ("http://[64:ff9b:1::7f00:1]/", NAT64),
        ("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", Rule::NotPublic("tunnelled to IPv4 (Teredo)")),
        // Zone ids are no part of an address on the web.
        ("http://[fe80::1%25eth0]/", Rule::NotUrl),
        ("http://[fe80::1%eth0]/", Rule::NotUrl),
        // IPv4 ranges, first and last address.
        ("http://0.0.0.0/", Rule::NotPublic("this network")),
        ("http://0/", Rule::NotPublic("this network")),
        ("http://0.255.255.255/", Rule::NotPublic("this network")),
        ("http://10.0.0.0/", PRIVATE),
        ("http://10.255.255.255/", PRIVATE),
        ("http://100.64.0.0/", Rule::NotPublic("shared by a carrier's customers")),
        ("http://100.127.255.255/", Rule::NotPublic("shared by a carrier's customers")),
        ("http://169.254.0.1/", LINK_LOCAL),
        ("http://172.16.0.0/", PRIVATE),
        ("http://172.31.255.255/", PRIVATE),
        ("http://192.0.0.1/", PROTOCOLS),
        ("http://192.0.2.1/", DOCUMENTATION),
        ("http://192.88.99.1/", Rule::NotPublic("6to4 relays")),
        ("http://192.168.0.0/", PRIVATE),
        ("http://192.168.255.255/", PRIVATE),
        ("http://198.18.0.0/", Rule::NotPublic("for benchmarks")),
        ("http://198.19.255.255/", Rule::NotPublic("for benchmarks")),
        ("http://198.51.100.1/", DOCUMENTATION),
        ("http://203.0.113.255/", DOCUMENTATION),
        ("http://224.0.0.1/", Rule::NotPublic("multicast")),
        ("http://239.255.255.255/", Rule::NotPublic("multicast")),
        ("http://240.0.0.1/", Rule::NotPublic("reserved")),
        ("http://255.255.255.255/", Rule::NotPublic("reserved")),
        // IPv6 ranges.
        ("http://[::]/", Rule::NotPublic("unspecified")),
        ("http://[::2]/", COMPATIBLE),
        ("http://[64:ff9b::808:808]/", NAT64),
        ("http://[100::1]/", Rule::NotPublic("discarded")),
        ("http://[2001:10::1]/", PROTOCOLS),
        ("http://[2001:1ff:ffff::1]/", PROTOCOLS),
        ("http://[2001:db8::1]/", DOCUMENTATION),
        ("http://[3fff:fff::1]/", DOCUMENTATION),
        ("http://[5f00::1]/", Rule::NotPublic("for segment routing")),
        ("http://[fc00::1]/", PRIVATE),
        ("http://[fdff:ffff::1]/", PRIVATE),
        ("http://[fe80::1]/", LINK_LOCAL),
        ("http://[febf::1]/", LINK_LOCAL),
        ("http://[fec0::1]/", Rule::NotPublic("site-local")),
        ("http://[ff02::1]/", Rule::NotPublic("multicast")),
        ("http://[4000::1]/", UNASSIGNED),
        ("http://[1::1]/", UNASSIGNED),
        // Metadata services.
        ("http://169.254.169.254/latest/meta-data/", Rule::Metadata),
        ("http://2852039166/", Rule::Metadata),
        ("http://0xa9fea9fe/", Rule::Metadata),
        ("http://[::ffff:169.254.169.254]/", Rule::Metadata),
        ("http://169.254.170.2/v2/credentials", Rule::Metadata),
        ("http://100.100.100.200/", Rule::Metadata),
        ("http://168.63.129.16/", Rule::Metadata),
        ("http://[fd00:ec2::254]/", Rule::Metadata),
        ("http://[fd20:ce::254]/", Rule::Metadata),
        ("http://[fe80::a9fe:a9fe]/", Rule::Metadata),
    ] {
        assert_eq!(verdict(&rules, url), Err(rule), "{url}");
    }
    assert_eq!(verdict(&rules, &format!("https://shop.example/{}", "a".repeat(URL_BYTES_MAX))), Err(Rule::TooLong));
}

#[test]
fn what_is_public_is_called_under_its_plain_name() {
    let rules = Rules::default();
    for (url, called) in [
        ("https://shop.example/a.jpg?x=1#part", "https://shop.example/a.jpg?x=1"),
        ("http://SHOP.example:80/", "http://shop.example/"),
        ("https://shop.example:443/", "https://shop.example/"),
        ("https://shop.example:80/", "https://shop.example:80/"),
        ("https://größe.example/", "https://xn--gre-6ka8i.example/"),
        ("https://فروشگاه.example/", "https://xn--mgbtj4c7ad63e.example/"),
        ("https://127.0.0.1.nip.example/", "https://127.0.0.1.nip.example/"),
        ("https://localhost.example/", "https://localhost.example/"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("http://[::ffff:1.1.1.1]/", "http://[::ffff:101:101]/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        // The neighbours of ranges.
        ("http://9.255.255.255/", "http://9.255.255.255/"),
        ("http://11.0.0.0/", "http://11.0.0.0/"),
        ("http://100.63.255.255/", "http://100.63.255.255/"),
        ("http://100.128.0.0/", "http://100.128.0.0/"),
        ("http://126.255.255.255/", "http://126.255.255.255/"),
        ("http://128.0.0.0/", "http://128.0.0.0/"),
        ("http://169.253.255.255/", "http://169.253.255.255/"),
        ("http://172.15.255.255/", "http://172.15.255.255/"),
        ("http://172.32.0.0/", "http://172.32.0.0/"),
        ("http://192.167.255.255/", "http://192.167.255.255/"),
        ("http://192.169.0.0/", "http://192.169.0.0/"),
        ("http://198.17.255.255/", "http://198.17.255.255/"),
        ("http://198.20.0.0/", "http://198.20.0.0/"),
        ("http://223.255.255.255/", "http://223.255.255.255/"),
        ("http://[2001:200::1]/", "http://[2001:200::1]/"),
        ("http://[2003::1]/", "http://[2003::1]/"),
        ("http://[3fff:1000::1]/", "http://[3fff:1000::1]/"),
    ] {
        assert_eq!(verdict(&rules, url).as_deref(), Ok(called), "{url}");
    }
}

#[test]
fn plain_http_is_refused_where_what_comes_is_believed() {
    let rules = allowing(&["n8n:5678", "10.0.0.0/8"]);
    let never = |url: &str| rules.check(url, Plain::Never).map(drop).map_err(|refusal| refusal.rule);
    assert_eq!(never("http://shop.example/"), Err(Rule::PlainHttp));
    assert_eq!(never("http://1.1.1.1/"), Err(Rule::PlainHttp));
    assert_eq!(never("https://shop.example/"), Ok(()));
    assert_eq!(never("http://n8n:5678/hook"), Ok(()));
    assert_eq!(never("http://10.1.2.3/hook"), Ok(()));
}

#[test]
fn the_operator_opens_exactly_what_is_named() {
    let rules = allowing(&["n8n:5678", "hooks.corp.internal", "10.1.0.0/16", "127.0.0.1:9000", "[fd00::7]:8080"]);
    for url in [
        "http://n8n:5678/hook",
        "http://N8N:5678/hook",
        "http://hooks.corp.internal/",
        "https://hooks.corp.internal:8443/",
        "http://10.1.2.3/",
        "http://10.1.2.3:9999/",
        "http://127.0.0.1:9000/",
        "http://2130706433:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://[fd00::7]:8080/",
    ] {
        assert!(verdict(&rules, url).is_ok(), "{url}: {:?}", verdict(&rules, url));
    }
    for (url, rule) in [
        ("http://n8n/hook", Rule::LocalName),
        ("http://n8n:80/hook", Rule::LocalName),
        ("http://a.hooks.corp.internal/", Rule::LocalName),
        ("http://10.2.0.0/", PRIVATE),
        ("http://127.0.0.1/", LOOPBACK),
        ("http://127.0.0.1:9001/", LOOPBACK),
        ("http://127.0.0.2:9000/", LOOPBACK),
        ("http://[fd00::7]/", PRIVATE),
        ("http://[fd00::8]:8080/", PRIVATE),
        ("https://user@10.1.2.3/", Rule::Userinfo),
        ("ftp://n8n:5678/", Rule::Scheme),
    ] {
        assert_eq!(verdict(&rules, url), Err(rule), "{url}");
    }
}

#[test]
fn no_network_opens_a_metadata_service_or_what_it_translates_to() {
    let wide = allowing(&["169.254.0.0/16", "64:ff9b::/96", "0.0.0.0/0"]);
    assert_eq!(verdict(&wide, "http://169.254.1.1/").map(drop), Ok(()));
    assert_eq!(verdict(&wide, "http://169.254.169.254/"), Err(Rule::Metadata));
    assert_eq!(verdict(&wide, "http://[64:ff9b::169.254.169.254]/"), Err(Rule::Metadata));
    let translator = allowing(&["64:ff9b::/96", "2002::/16", "2001::/32"]);
    assert_eq!(verdict(&translator, "https://[64:ff9b::8.8.8.8]/").map(drop), Ok(()));
    assert_eq!(verdict(&translator, "https://[64:ff9b::10.0.0.1]/"), Err(PRIVATE));
    assert_eq!(verdict(&translator, "https://[2002:a00:1::]/"), Err(PRIVATE));
    assert_eq!(verdict(&translator, "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/"), Err(LOOPBACK));
    let named = allowing(&["169.254.169.254"]);
    assert_eq!(verdict(&named, "http://169.254.169.254/").map(drop), Ok(()));
}

#[test]
fn the_operator_closes_networks_and_opens_ports() {
    let rules = Rules {
        deny: vec!["1.1.1.0/24".parse().expect("a network")],
        ports: vec![443, 8443],
        ..allowing(&["1.1.1.1"])
    };
    assert_eq!(verdict(&rules, "https://1.1.1.2/"), Err(Rule::Denied));
    assert_eq!(verdict(&rules, "https://1.1.1.1/").map(drop), Ok(()), "the very address goes before");
    assert_eq!(verdict(&rules, "https://shop.example:8443/").map(drop), Ok(()));
    assert_eq!(verdict(&rules, "http://shop.example/"), Err(Rule::Port(80)));
}

#[test]
fn a_name_is_judged_by_what_it_leads_to_and_an_allowed_one_leads_anywhere_but_to_metadata() {
    let rules = allowing(&["n8n", "10.1.0.0/16", "10.9.9.9:80"]);
    let judge = |address: &str, by| rules.judge_resolved(address.parse().expect("an address"), by);
    assert_eq!(judge("1.1.1.1", By::Name), Ok(()));
    assert_eq!(judge("10.1.2.3", By::Name), Ok(()));
    assert_eq!(judge("10.2.2.3", By::Name), Err(PRIVATE));
    assert_eq!(judge("10.9.9.9", By::Name), Err(PRIVATE), "an entry with a port opens no name");
    assert_eq!(judge("::ffff:127.0.0.1", By::Name), Err(LOOPBACK));
    assert_eq!(judge("172.18.0.5", By::AllowedName), Ok(()));
    assert_eq!(judge("169.254.169.254", By::AllowedName), Err(Rule::Metadata));
}

#[test]
fn entries_of_the_list_survive_writing_and_reading() {
    for text in
        ["n8n", "n8n:5678", "hooks.corp.example", "10.0.0.0/8", "10.0.0.7", "10.0.0.7:80", "fd00::/8", "[fd00::7]:80"]
    {
        let entry: Allowed = text.parse().expect("an entry");
        assert_eq!(entry.to_string(), text);
    }
    assert_eq!("[::1]".parse::<Allowed>().expect("an entry").to_string(), "::1");
    assert_eq!("::ffff:127.0.0.1".parse::<Allowed>().expect("an entry").to_string(), "127.0.0.1");
    for bad in
        ["", "10.0.0.1/8", "10.0.0.0/33", "*.example", "http://n8n", "n8n:0", "n8n:x", "a b", "0x7f.1", "n8n.", "[::1"]
    {
        assert!(bad.parse::<Allowed>().is_err(), "{bad}");
    }
}

/// What the standard library knows of special addresses, as a second opinion.
fn std_says_special(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
}

/// Half of them anywhere, half near the edges of ranges.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let starts = prop::sample::select(vec![
        0x0000_0000_u32,
        0x0a00_0000,
        0x6440_0000,
        0x7f00_0000,
        0xa9fe_0000,
        0xac10_0000,
        0xc000_0000,
        0xc058_6300,
        0xc0a8_0000,
        0xc612_0000,
        0xc633_6400,
        0xcb00_7100,
        0xe000_0000,
        0xf000_0000,
    ]);
    let near = (starts, -3_i32..=3).prop_map(|(start, by)| start.wrapping_add_signed(by));
    prop_oneof![any::<u32>(), near].prop_map(Ipv4Addr::from_bits)
}

/// One address in some of the notations that URLs allow.
fn notations(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (bits, low16, low24) = (address.to_bits(), u32::from(c) << 8 | u32::from(d), address.to_bits() & 0xff_ffff);
    let mapped = address.to_ipv6_mapped();
    vec![
        format!("{address}"),
        format!("{address}."),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("0{bits:o}"),
        format!("{a}.{low24}"),
        format!("{a}.{b}.{low16:#X}").replace("0X", "0x"),
        format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
        format!("00{a:o}.{b}.0x00{c:x}.{d}"),
        format!("{a}%2e{b}。{c}．{d}"),
        format!("[{mapped}]"),
        format!("[::ffff:{:x}:{:x}]", bits >> 16, bits & 0xffff),
    ]
}

proptest! {
    #[test]
    fn a_notation_changes_no_judgement(address in any_v4()) {
        let rules = Rules::default();
        let plain = rules.judge(address.into(), Some(443)).map(drop);
        for host in notations(address) {
            let judged = rules.check(&format!("https://{host}/"), Plain::Never).map(drop).map_err(|refusal| refusal.rule);
            prop_assert_eq!(judged, plain, "{} as {}", address, host);
        }
    }

    #[test]
    fn what_the_standard_library_calls_special_is_never_public(address in any_v4()) {
        if std_says_special(address) {
            prop_assert!(range::not_public(address.into()).is_some(), "{}", address);
        }
    }

    #[test]
    fn only_addresses_given_out_are_public(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        let public = range::not_public(address.into()).is_none();
        let given_out = address.segments()[0] >> 13 == 1;
        prop_assert!(!public || given_out || address.to_ipv4_mapped().is_some(), "{}", address);
        prop_assert!(!public || !(address.is_multicast() || address.is_unique_local() || address.is_loopback()));
    }

    #[test]
    fn no_tunnel_or_translation_reaches_what_is_not_reached_plainly(address in any_v4(), site in any::<u16>()) {
        let (high, low) = ((address.to_bits() >> 16) as u16, address.to_bits() as u16);
        for carrier in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, site, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, site, 0, 0, 0, !high, !low),
        ] {
            let carrier = IpAddr::from(carrier);
            prop_assert!(Rules::default().judge(carrier, None).is_err(), "{}", carrier);
            // An operator who has to go through a translator opens it, and nothing behind it.
            let open = allowing(&["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"]);
            let refused_plainly = Rules::default().judge(address.into(), None).is_err();
            let is_itself = range::carried(carrier).is_none();
            prop_assert_eq!(open.judge(carrier, None).is_err(), refused_plainly && !is_itself, "{}", carrier);
        }
    }
}
