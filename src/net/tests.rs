//! Both clients against real sockets on loopback, with names that lead where the test says.

use std::{
    collections::HashMap,
    error::Error as _,
    future::IntoFuture,
    io::Write as _,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{Router, http::StatusCode, routing::get};
use flate2::{Compression, write::GzEncoder};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use uuid::Uuid;

use super::*;
use crate::domain::TenantId;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
/// Short, and long enough for a busy machine to answer on loopback.
const SHORT: Duration = Duration::from_millis(150);
/// The start of a JPEG.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";

/// One thing that a site does when it is asked.
#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    /// Again and again, until nobody listens.
    Forever(Vec<u8>),
    /// A byte now and then, for ever.
    Drip(u8),
    Hang,
}

/// A server that plays one script per path.
struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    async fn start(scripts: &[(&str, Vec<Step>)]) -> Self {
        Self::at("127.0.0.1:0", scripts).await.expect("loopback has a free port")
    }

    async fn at(address: &str, scripts: &[(&str, Vec<Step>)]) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let scripts: Arc<HashMap<String, Vec<Step>>> =
            Arc::new(scripts.iter().map(|(path, steps)| ((*path).to_owned(), steps.clone())).collect());
        let (address, asked) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (scripts, heard) = (Arc::clone(&scripts), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        match socket.read_u8().await {
                            Ok(byte) => request.push(byte),
                            Err(_) => return,
                        }
                    }
                    let request = String::from_utf8(request).expect("a request is text");
                    let path = request.split(' ').nth(1).expect("a request line").to_owned();
                    heard.lock().expect("not poisoned").push(request);
                    for step in scripts.get(&path).into_iter().flatten() {
                        if play(&mut socket, step).await.is_err() {
                            return; // Nobody listens any more, which is what some tests want.
                        }
                    }
                });
            }
        });
        Ok(Self { address, asked, task })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn named(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

async fn play(socket: &mut tokio::net::TcpStream, step: &Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => socket.write_all(bytes).await,
        Step::Forever(bytes) => loop {
            socket.write_all(bytes).await?;
        },
        Step::Drip(byte) => loop {
            socket.write_u8(*byte).await?;
            tokio::time::sleep(SHORT / 10).await;
        },
        Step::Hang => std::future::pending().await,
    }
}

/// Everything as it should be: a head, a body, the end.
fn answer(head: &str, body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

fn redirect(status: u16, location: &str) -> Vec<Step> {
    let head =
        format!("HTTP/1.1 {status} Away\r\nconnection: close\r\ncontent-length: 0\r\nlocation: {location}\r\n\r\n");
    vec![Step::Send(head.into_bytes())]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Names that lead to the next of their answers each time, the last one for ever.
#[derive(Default)]
struct Names {
    answers: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: Mutex<HashMap<String, usize>>,
}

impl Names {
    fn lead(mut self, name: &'static str, answers: &[&[&str]]) -> Self {
        let read = |addresses: &&[&str]| addresses.iter().map(|it| it.parse().expect("an address")).collect();
        self.answers.insert(name, answers.iter().map(read).collect());
        self
    }

    fn lookups(&self, name: &str) -> usize {
        self.asked.lock().expect("not poisoned").get(name).copied().unwrap_or_default()
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let mut asked = self.asked.lock().expect("not poisoned");
        let count = asked.entry(name.as_str().to_owned()).or_default();
        let found = self.answers.get(name.as_str()).map(|answers| answers[(*count).min(answers.len() - 1)].clone());
        *count += 1;
        Box::pin(async move {
            match found {
                Some(found) => Ok(Box::new(found.into_iter().map(|it| SocketAddr::new(it, 0))) as Addrs),
                None => Err(std::io::Error::other("no such host").into()),
            }
        })
    }
}

/// A client that may call what is listed, at any of these sites' ports.
fn client(allow: &[&str], names: &Arc<Names>, sites: &[&Site]) -> Guarded {
    let allow = allow.iter().map(|text| text.parse().expect("an entry")).collect();
    let ports = sites.iter().map(|site| site.address.port()).collect();
    let resolver = Arc::clone(names) as Arc<dyn Resolve>;
    Guarded::with_resolver(Rules { allow, deny: vec![], ports }, resolver, 1_000).expect("the client can be built")
}

fn local(site: &Site) -> Guarded {
    client(&["127.0.0.1"], &Arc::default(), &[site])
}

fn short() -> Limits {
    Limits { bytes: 4 << 20, first_byte: SHORT, idle: SHORT, total: Limits::IMAGE.total, redirects: 3 }
}

fn fetch(url: &str) -> Fetch<'_> {
    Fetch { plain: Plain::Public, limits: Limits { bytes: 4 << 20, ..Limits::IMAGE }, ..Fetch::page(url) }
}

async fn code(client: &Guarded, url: &str) -> &'static str {
    match client.fetch(TENANT, fetch(url)).await {
        Ok(_) => "fetched",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn what_is_public_or_allowed_is_fetched_whole() {
    let site = Site::start(&[("/a", answer("content-type: text/plain\r\ncontent-length: 5\r\n", b"hello"))]).await;
    let fetched = local(&site).fetch(TENANT, fetch(&site.url("/a"))).await.expect("it is there");
    assert_eq!((fetched.body.as_slice(), fetched.content), (&b"hello"[..], Content::Text));
    let asked = site.asked().remove(0).to_lowercase();
    assert!(asked.contains("accept-encoding: gzip\r\n") && asked.contains("user-agent: aura/"), "{asked}");
    for absent in ["cookie", "authorization", "referer"] {
        assert!(!asked.contains(absent), "{asked}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_network_is_not_called() {
    let site = Site::start(&[("/a", answer("", b"secret"))]).await;
    for (lead, expected) in [
        (&["127.0.0.1"][..], "address_not_public"),
        (&["::ffff:127.0.0.1"], "address_not_public"),
        (&["10.0.0.1", "192.168.1.1", "fd00::1"], "address_not_public"),
        (&["169.254.169.254"], "metadata_service"),
        (&[], "no_address"),
    ] {
        let names = Arc::new(Names::default().lead("shop.example", &[lead]));
        let client = client(&[], &names, &[&site]);
        assert_eq!(code(&client, &site.named("shop.example", "/a")).await, expected, "{lead:?}");
    }
    assert!(site.asked().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_after_the_check_is_not_followed() {
    let site = Site::start(&[("/a", answer("", b"public"))]).await;
    // The same port of another address is the private network that the name turns to.
    let inside = Site::at(&format!("127.0.0.2:{}", site.address.port()), &[("/a", answer("", b"secret"))]).await;
    let inside = inside.expect("the port is free on the neighbour");
    let names = Arc::new(Names::default().lead("shop.example", &[&["127.0.0.1"], &["127.0.0.2"]]));
    let client = client(&["127.0.0.1"], &names, &[&site]);
    let url = site.named("shop.example", "/a");
    let fetched = client.fetch(TENANT, fetch(&url)).await.expect("the first answer is allowed");
    assert_eq!((fetched.body.as_slice(), names.lookups("shop.example")), (&b"public"[..], 1), "one lookup, one dial");
    assert_eq!(code(&client, &url).await, "address_not_public");
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_called_are_dialled() {
    let site = Site::start(&[("/a", answer("", b"public"))]).await;
    let inside = Site::at(&format!("127.0.0.2:{}", site.address.port()), &[("/a", answer("", b"secret"))]).await;
    let inside = inside.expect("the port is free on the neighbour");
    let names = Arc::new(Names::default().lead("shop.example", &[&["127.0.0.2", "127.0.0.1"]]));
    let client = client(&["127.0.0.1"], &names, &[&site]);
    assert_eq!(code(&client, &site.named("shop.example", "/a")).await, "fetched");
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn a_name_that_the_operator_allows_leads_into_the_private_network_at_its_port_alone() {
    let site = Site::start(&[("/a", answer("", b"ours"))]).await;
    let names = Arc::new(Names::default().lead("n8n", &[&["127.0.0.1"]]).lead("meta", &[&["169.254.169.254"]]));
    let entry = format!("n8n:{}", site.address.port());
    let client = client(&[&entry, "meta"], &names, &[]);
    assert_eq!(code(&client, &site.named("n8n", "/a")).await, "fetched");
    assert_eq!(code(&client, "http://n8n/a").await, "local_name");
    assert_eq!(code(&client, "http://meta/latest").await, "metadata_service");
}

#[tokio::test]
async fn every_redirect_is_judged_as_a_call_of_its_own() {
    let inside = Site::at("127.0.0.2:0", &[("/a", answer("", b"secret"))]).await.expect("a free port");
    let port = inside.address.port();
    let to = |location: String| redirect(302, &location);
    let site = Site::start(&[
        ("/address", to(inside.url("/a"))),
        ("/decimal", to(format!("http://2130706434:{port}/a"))),
        ("/mapped", to(format!("http://[::ffff:127.0.0.2]:{port}/a"))),
        ("/name", to(format!("http://inside.example:{port}/a"))),
        ("/same-host", to(format!("//127.0.0.2:{port}/a"))),
        ("/metadata", to("http://169.254.169.254/latest".into())),
        ("/file", to("file:///etc/passwd".into())),
        ("/userinfo", to(format!("http://a@127.0.0.1:{port}/a"))),
        ("/port", to("http://shop.example:22/".into())),
        ("/nowhere", vec![Step::Send(b"HTTP/1.1 302 F\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec())]),
        ("/bad", to("http://[".into())),
        ("/loop", redirect(307, "/loop")),
        ("/one", redirect(301, "two?x=1")),
        ("/two?x=1", redirect(303, "/three")),
        ("/three", redirect(308, "/four#part")),
        ("/four", answer("", b"there")),
    ])
    .await;
    let names = Arc::new(Names::default().lead("inside.example", &[&["127.0.0.2"]]));
    let client = client(&["127.0.0.1"], &names, &[&site, &inside]);
    for (path, expected) in [
        ("/address", "address_not_public"),
        ("/decimal", "address_not_public"),
        ("/mapped", "address_not_public"),
        ("/name", "address_not_public"),
        ("/same-host", "address_not_public"),
        ("/metadata", "metadata_service"),
        ("/file", "scheme_not_allowed"),
        ("/userinfo", "url_with_password"),
        ("/port", "port_not_allowed"),
        ("/nowhere", "redirect_to_nowhere"),
        ("/bad", "redirect_to_nowhere"),
        ("/loop", "too_many_redirects"),
    ] {
        assert_eq!(code(&client, &site.url(path)).await, expected, "{path}");
    }
    assert!(inside.asked().is_empty());
    let fetched = client.fetch(TENANT, fetch(&site.url("/one"))).await.expect("three are followed");
    assert_eq!((fetched.url.path(), fetched.url.fragment()), ("/four", None));
    let looped = site.asked().iter().filter(|asked| asked.starts_with("GET /loop ")).count();
    assert_eq!(looped, 1 + usize::from(Limits::REDIRECTS));
}

#[tokio::test]
async fn a_login_goes_to_its_host_only_and_cookies_to_nobody() {
    let other = Site::start(&[("/b", answer("", b"b"))]).await;
    let site = Site::start(&[
        ("/a", redirect(302, "/again\r\nset-cookie: a=1; path=/")),
        ("/again", redirect(302, &other.url("/b"))),
    ])
    .await;
    let client = client(&["127.0.0.1"], &Arc::default(), &[]);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
    let url = site.url("/a");
    client.fetch(TENANT, Fetch { headers, ..fetch(&url) }).await.expect("it is there");
    let has = |asked: &String, what: &str| asked.to_lowercase().contains(what);
    assert!(site.asked().iter().all(|asked| has(asked, "hunter2") && !has(asked, "cookie")), "{:?}", site.asked());
    assert_eq!((site.asked().len(), other.asked().len()), (2, 1));
    assert!(!has(&other.asked()[0], "hunter2"), "another port is another host");
}

#[tokio::test]
async fn nobody_is_led_from_https_to_plain_http() {
    let client = client(&["n8n"], &Arc::default(), &[]);
    let client =
        Guarded::with_resolver(Rules { ports: PORTS.into(), ..client.rules().clone() }, Arc::new(Names::default()), 9)
            .expect("the client can be built");
    let from = client.check("https://shop.example/", Plain::Public).expect("public");
    let answer = |location: &str| {
        let answer = http::Response::builder().status(302).header("location", location).body("").expect("an answer");
        reqwest::Response::from(answer)
    };
    let lead = |location| client.next(&from, &answer(location), Plain::Public).map(drop).map_err(|error| error.code());
    assert_eq!(lead("http://shop.example/"), Err("https_downgrade"));
    assert_eq!(lead("http://n8n/"), Ok(()));
    assert_eq!(lead("https://other.example/"), Ok(()));
}

#[tokio::test]
async fn bodies_are_cut_at_their_limits_whether_they_say_their_size_or_not() {
    let (head, limits) = ("HTTP/1.1 200 OK\r\nconnection: close\r\n", short());
    let endless = |head: &str, start: &[u8], more: &[u8]| {
        vec![Step::Send([format!("{head}\r\n").as_bytes(), start].concat()), Step::Forever(more.to_vec())]
    };
    let chunk = [&b"8000\r\n"[..], &[b'a'; 0x8000], b"\r\n"].concat();
    let zeros = gzip(&vec![0; 8 << 20]);
    let noise: Vec<u8> = (0..6_u64 << 20).map(|n| ((n * n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect();
    let nested = gzip(&gzip(&vec![0; 64 << 20]));
    let packed =
        |bytes: &[u8]| answer(&format!("content-encoding: gzip\r\ncontent-length: {}\r\n", bytes.len()), bytes);
    let truncated = gzip(b"hello hello hello");
    let site = Site::start(&[
        ("/said", answer("content-length: 99999999\r\n", b"")),
        ("/endless", endless(head, b"", &[b'a'; 0x8000])),
        ("/chunked", endless(&format!("{head}transfer-encoding: chunked\r\n"), b"", &chunk)),
        ("/bomb", packed(&zeros)),
        ("/large", packed(&gzip(&noise))),
        ("/nested", packed(&nested)),
        ("/fine", packed(&gzip(&vec![b' '; 1 << 20]))),
        ("/two-members", packed(&[gzip(b"hello "), gzip(b"world")].concat())),
        ("/cut", packed(&truncated[..truncated.len() - 9])),
        ("/short", answer("content-length: 10\r\n", b"hello")),
        ("/no-gzip", packed(b"hello")),
        ("/brotli", answer("content-encoding: br\r\n", b"hello")),
        ("/twice", answer("content-encoding: gzip, gzip\r\n", b"hello")),
        ("/twice-said", answer("content-encoding: gzip\r\ncontent-encoding: gzip\r\n", b"hello")),
        ("/empty", answer("content-length: 0\r\n", b"")),
    ])
    .await;
    let client = local(&site);
    for (path, expected) in [
        ("/said", "too_large"),
        ("/endless", "too_large"),
        ("/chunked", "too_large"),
        ("/bomb", "bomb"),
        ("/large", "too_large"),
        // Unpacked once, as was asked for: what is inside is data.
        ("/nested", "fetched"),
        ("/fine", "fetched"),
        ("/two-members", "fetched"),
        ("/cut", "broken_off"),
        ("/short", "broken_off"),
        ("/no-gzip", "broken_off"),
        ("/brotli", "encoding"),
        ("/twice", "encoding"),
        ("/twice-said", "encoding"),
        ("/empty", "fetched"),
    ] {
        assert_eq!(code(&client, &site.url(path)).await, expected, "{path}");
    }
    let url = site.url("/two-members");
    let fetched = client.fetch(TENANT, Fetch { limits, ..fetch(&url) }).await.expect("it is there");
    assert_eq!(fetched.body, b"hello world");
}

#[tokio::test]
async fn whoever_is_slow_is_given_up_at_each_stage() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let site = Site::start(&[
        ("/silent", vec![Step::Hang]),
        ("/slow-head", vec![Step::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Step::Drip(b'a')]),
        ("/stalls", vec![Step::Send(head.clone()), Step::Send(b"hel".to_vec()), Step::Hang]),
        ("/drips", vec![Step::Send(head), Step::Drip(b'a')]),
        ("/redirects-and-stalls", redirect(302, "/silent")),
    ])
    .await;
    let client = local(&site);
    for (path, expected) in [
        ("/silent", Wait::FirstByte),
        ("/slow-head", Wait::FirstByte),
        ("/stalls", Wait::Idle),
        ("/drips", Wait::Total),
        ("/redirects-and-stalls", Wait::FirstByte),
    ] {
        let url = site.url(path);
        let error = client.fetch(TENANT, Fetch { limits: Limits { total: SHORT * 4, ..short() }, ..fetch(&url) }).await;
        let error = error.expect_err("it is too slow");
        assert!(matches!(&error, Error::Late { wait, .. } if *wait == expected), "{path}: {error:?}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn what_is_no_picture_is_left_after_its_first_bytes_whatever_it_is_called() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\n\r\n".to_vec();
    let page = [&b"<!doctype html><title>Log in</title>"[..], &[b' '; 600]].concat();
    let site = Site::start(&[
        ("/page", vec![Step::Send(head.clone()), Step::Send(page), Step::Hang]),
        ("/svg", answer("content-type: image/png\r\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
        ("/program", answer("content-type: image/png\r\n", b"\x7fELF\x02\x01\x01")),
        ("/nothing", answer("content-length: 0\r\n", b"")),
        ("/picture", answer("content-type: text/html\r\n", JPEG)),
    ])
    .await;
    let client = local(&site);
    for (path, expected) in
        [("/page", Content::Html), ("/svg", Content::Svg), ("/program", Content::Binary), ("/nothing", Content::Empty)]
    {
        let url = site.url(path);
        let error = client.fetch(TENANT, Fetch::image(&url)).await.expect_err("it is no picture");
        assert!(matches!(&error, Error::Unexpected { found, .. } if *found == expected), "{path}: {error:?}");
    }
    let fetched = client.fetch(TENANT, Fetch::image(&site.url("/picture"))).await.expect("a picture");
    assert_eq!(fetched.content, Content::Jpeg);
}

#[tokio::test]
async fn a_refusal_of_the_server_says_its_status_and_when_to_come_again() {
    let busy = b"HTTP/1.1 429 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".to_vec();
    let gone = b"HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n".to_vec();
    let site = Site::start(&[("/busy", vec![Step::Send(busy)]), ("/gone", vec![Step::Send(gone)])]).await;
    let client = local(&site);
    let error = client.fetch(TENANT, fetch(&site.url("/busy"))).await.expect_err("it refuses");
    assert!(matches!(error, Error::Status { status: 429, retry_after: Some(wait), .. } if wait.as_secs() == 7));
    assert!(error.is_retryable());
    let error = client.fetch(TENANT, fetch(&site.url("/gone"))).await.expect_err("it refuses");
    assert!(matches!(error, Error::Status { status: 404, .. }) && !error.is_retryable() && error.hint().is_some());
}

#[tokio::test]
async fn errors_name_the_host_and_never_the_path() {
    let site = Site::start(&[("/very-secret", vec![Step::Send(b"no http at all\r\n\r\n".to_vec())])]).await;
    let (client, port) = (local(&site), site.address.port());
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    for (url, expected) in [
        (site.url("/very-secret"), "broken_off"),
        (format!("http://{nobody}/very-secret"), "unreachable"),
        (format!("http://absent.example:{port}/very-secret"), "no_address"),
        (format!("http://10.0.0.1:{port}/very-secret"), "address_not_public"),
    ] {
        let error = client.fetch(TENANT, fetch(&url)).await.expect_err("nothing is there");
        let mut said = format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(deeper) = cause {
            said += &format!(" {deeper}");
            cause = deeper.source();
        }
        assert_eq!(error.code(), expected, "{said}");
        assert!(!said.contains("very-secret"), "{said}");
    }
}

#[tokio::test]
async fn a_tenant_that_fetches_too_much_waits_and_others_do_not() {
    let site = Site::start(&[("/a", answer("", b"a"))]).await;
    let allow = vec!["127.0.0.1".parse().expect("an entry")];
    let rules = Rules { allow, ..Rules::default() };
    let client = Guarded::with_resolver(rules, Arc::new(Names::default()), 1).expect("the client can be built");
    let url = site.url("/a");
    assert_eq!(code(&client, &url).await, "fetched");
    assert_eq!(code(&client, &url).await, "quota");
    let other = TenantId(Uuid::from_u128(2));
    assert!(client.fetch(other, fetch(&url)).await.is_ok());
}

#[tokio::test]
async fn what_hangs_of_one_tenant_leaves_room_for_others() {
    let site = Site::start(&[("/hang", vec![Step::Hang]), ("/a", answer("", b"a"))]).await;
    let client = local(&site);
    let hanging: Vec<_> = (0..100)
        .map(|_| {
            let (client, url) = (client.clone(), site.url("/hang"));
            tokio::spawn(async move { client.fetch(TENANT, fetch(&url)).await.map(drop) })
        })
        .collect();
    while site.asked().len() < FETCHES_PARALLEL {
        tokio::task::yield_now().await;
    }
    let other = TenantId(Uuid::from_u128(2));
    assert!(client.fetch(other, fetch(&site.url("/a"))).await.is_ok());
    assert_eq!(site.asked().len(), FETCHES_PARALLEL + 1);
    hanging.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn a_post_is_made_once_and_follows_nothing() {
    let site = Site::start(&[("/hook", redirect(307, "/elsewhere"))]).await;
    let client = local(&site);
    let target = client.check(&site.url("/hook"), Plain::Never).expect("it is allowed");
    let answer = client.post(&target, HeaderMap::new(), b"{}".to_vec()).await.expect("it answers");
    assert_eq!((answer.status, site.asked().len()), (307, 1));
}

#[test]
fn this_machine_knows_its_own_addresses() {
    assert!(resolver::is_own("127.0.0.1".parse().expect("an address")));
    assert!(!resolver::is_own("192.0.2.1".parse().expect("an address")));
}

#[tokio::test]
async fn a_redirect_is_handed_back_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let away = || async { (StatusCode::FOUND, [("location", "/elsewhere")]) };
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/", get(away))).into_future());
    let client = fixed_client().expect("the client can be built");
    let answer = client.get(format!("http://{address}/")).send().await.expect("the server answers");
    assert_eq!(answer.status(), 302);
    server.abort();
}

#[tokio::test]
async fn a_refused_connection_is_known_to_have_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    drop(listener);
    let client = fixed_client().expect("the client can be built");
    let error = client.get(format!("http://{address}/")).send().await.expect_err("nobody listens");
    assert!(error.is_connect());
}

#[tokio::test]
async fn a_silent_host_is_given_up_at_the_request_s_own_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let client = fixed_client().expect("the client can be built");
    let call = client.get(format!("http://{address}/")).timeout(Duration::from_millis(30)).send();
    let error = call.await.expect_err("nobody answers");
    assert!(error.is_timeout() && !error.is_connect());
}
