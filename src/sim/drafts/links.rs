//! Links that are not the product's: invented ones, and ones that look like it.

use super::dice::Dice;

/// A link that looks like the real one.
pub(super) fn look_alike(dice: &mut Dice, url: &str) -> String {
    let bare = url.trim_start_matches("https://");
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let swapped = |from: char, to: &str| host.replacen(from, to, 1);
    let all = [
        format!("https://{host}.evil.com/{path}"),
        format!("https://{host}@evil.example/{path}"),
        format!("https://evil.example/{host}/{path}"),
        format!("{url}?ref=ig"),
        format!("{url}#buy"),
        format!("{url}/"),
        format!("http://{host}/{path}"),
        format!("https://{host}/{path}-2"),
        format!("https://{host}/{}", path.to_uppercase()),
        format!("https://www.{host}/{path}"),
        format!("https://{host}:8443/{path}"),
        format!("https://{host}/checkout"),
        format!("https://{}/{path}", swapped('e', "е")),
        format!("https://{}/{path}", swapped('o', "0")),
        format!("https://{}/{path}", swapped('i', "ı")),
        format!("https://{}/{path}", host.replace('.', "-shop.")),
        format!("https://xn--{host}/{path}"),
        format!("https://{host}\u{200b}/{path}"),
        format!("https://{host}/{path}\u{200d}x"),
        format!("https://{}/{path}", host.replace('.', "．")),
        format!("{host}/{path}"),
        host.to_owned(),
        format!("{url}%20x"),
        format!("https:/{host}/{path}"),
        format!("https://{host}/../{path}"),
        format!("https:\\\\{host}\\{path}"),
    ];
    // Where a host lacks the letter, nothing was changed.
    let changed: Vec<&String> = all.iter().filter(|link| *link != url).collect();
    (*dice.pick(&changed)).clone()
}

/// A way to somewhere else.
pub(super) fn invented(dice: &mut Dice) -> String {
    let all = [
        "https://bit.ly/3xYzAbC",
        "bit.ly/shop-now",
        "https://192.168.10.4/pay",
        "185.12.33.4/shop",
        "https://wa.me/491701234567",
        "instagram.com/shop.official",
        "@shop_official_outlet",
        "sales@shop-support.example",
        "www.best-deals.shop",
        "linktr.ee/shop",
        "https://t.me/shopbot",
        "shop dot com",
        "shop[.]example",
        "tel:+491701234567",
        "javascript:alert(1)",
        "data:text/html,hi",
        "hxxps://shop.example/pay",
        "https://paypal.me/shop/50",
        "[the shop](https://evil.example/x)",
        "+49 170 1234567",
        "DE89 3704 0044 0532 0130 00",
        "shop.example",
        "shop .com",
        "ｗｗｗ.shop.example",
        "HTTPS://SHOP.EXAMPLE/BUY",
        "//shop.example/buy",
        "http://[::1]/shop",
        "https://1249763844/pay",
        "0170/1234567",
    ];
    (*dice.pick(&all)).to_owned()
}
