//! What only a call shows: whether the public address leads here, what its certificate says, and what others take for the time.

use std::time::Duration;

use x509_cert::der::Decode as _;

use super::{Check, Finding};
use crate::{
    domain::{Timestamp, chain},
    net,
};

/// Certificates are renewed about a month before their end; with less than this left, nobody has.
const CERTIFICATE_LEFT_MIN_MS: i64 = 14 * 24 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// How far a clock may be off before signatures, windows and timers go wrong.
const CLOCK_OFF_MS: i64 = 30_000;
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Asks the public address whether it leads to a daemon, and looks at its certificate.
pub(super) async fn public(url: Option<&str>, daemon: bool, now: Timestamp) -> Vec<Finding> {
    let (tls, reached) = (Check::Tls, Check::PublicReachability);
    let Some(url) = url else {
        let why = "`public_url` is not set";
        return vec![Finding::skipped(tls, why), Finding::skipped(reached, why)];
    };
    let is_https = url.starts_with("https://");
    let asked = net::certified_client().map(|client| client.get(format!("{}/livez", url.trim_end_matches('/'))));
    let answer = match asked {
        Ok(request) => request.timeout(WITHIN).send().await.map_err(|error| chain(&error.without_url())),
        Err(error) => Err(chain(&error)),
    };
    let mut found = Vec::new();
    match &answer {
        Ok(answer) if answer.status().is_success() => {
            found.push(Finding::ok(reached, format!("{url} answers")));
        }
        Ok(answer) => {
            let what = format!("{url}/livez answers {}, not 200", answer.status().as_u16());
            let hint = "Have the proxy pass everything to Aura, or mend `public_url`.";
            found.push(Finding::failed(reached, what, hint));
        }
        Err(error) => {
            let hint = match daemon {
                true => "Check DNS, the firewall, the proxy and `public_url`; without it Instagram cannot reach Aura.",
                false => "Start the daemon with `aura serve`, then ask again.",
            };
            found.push(Finding::failed(reached, format!("{url} does not answer: {error}"), hint));
        }
    }
    let certificate = answer.as_ref().ok().and_then(|answer| {
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>()?;
        info.peer_certificate().and_then(ends_at)
    });
    found.push(match (is_https, certificate) {
        (false, _) => Finding::warning(
            tls,
            "`public_url` is not https: Instagram delivers to https only",
            "Put a proxy with a certificate in front (Caddy gets one by itself), and name its address.",
        ),
        (true, Some(ends_at)) => certificate_finding(ends_at, now),
        (true, None) => {
            Finding::skipped(tls, "there was no answer with a certificate that holds; see public_reachability")
        }
    });
    found
}

fn certificate_finding(ends_at: Timestamp, now: Timestamp) -> Finding {
    let left = ends_at.since_ms(now);
    let days = left / DAY_MS;
    match left {
        left if left <= 0 => {
            Finding::failed(Check::Tls, "the certificate has expired", "Renew it: Instagram refuses to deliver.")
        }
        left if left < CERTIFICATE_LEFT_MIN_MS => {
            let hint = "See why it was not renewed by itself; Instagram refuses to deliver when it has expired.";
            Finding::warning(Check::Tls, format!("the certificate holds for {days} more days"), hint)
        }
        _ => Finding::ok(Check::Tls, format!("the certificate holds for {days} more days")),
    }
}

/// When a certificate ends; `None`: it cannot be read.
fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    i64::try_from(ends.as_millis()).ok().map(Timestamp)
}

/// What the host of Instagram's API takes for the time.
pub(super) async fn clock(graph_url: &str, now: Timestamp) -> Finding {
    let check = Check::Clock;
    let answer = match net::fixed_client() {
        Ok(client) => client.head(graph_url).timeout(WITHIN).send().await.map_err(|error| chain(&error.without_url())),
        Err(error) => Err(chain(&error)),
    };
    let date = answer.map(|answer| answer.headers().get("date").and_then(|date| Some(date.to_str().ok()?.to_owned())));
    match date {
        Err(error) => Finding::skipped(check, format!("Instagram's clock could not be asked: {error}")),
        Ok(date) => match date.as_deref().and_then(moment_of) {
            None => Finding::skipped(check, "Instagram does not say what time it is"),
            Some(theirs) => clock_finding(now.since_ms(theirs)),
        },
    }
}

fn clock_finding(ahead_ms: i64) -> Finding {
    let seconds = ahead_ms.abs() / 1_000;
    let side = if ahead_ms < 0 { "behind" } else { "ahead of" };
    match ahead_ms.abs() > CLOCK_OFF_MS {
        true => Finding::failed(
            Check::Clock,
            format!("it is {seconds} s {side} Instagram's"),
            "Set it by NTP (`timedatectl set-ntp true`): the 24-hour window and every timer go by it.",
        ),
        false => Finding::ok(Check::Clock, "it agrees with Instagram's"),
    }
}

/// The moment in an HTTP date.
fn moment_of(date: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn a_date_of_http_is_a_moment() {
        assert_eq!(moment_of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp(784_111_777_000)));
        assert_eq!(moment_of("yesterday"), None);
    }

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off_either_way() {
        for (ahead_ms, verdict) in
            [(0, Verdict::Ok), (-29_000, Verdict::Ok), (31_000, Verdict::Failed), (-31_000, Verdict::Failed)]
        {
            assert_eq!(clock_finding(ahead_ms).verdict, verdict, "{ahead_ms}");
        }
        assert!(clock_finding(-90_000).what.contains("90 s behind"));
    }

    #[test]
    fn a_certificate_says_when_it_ends_and_is_judged_by_it() {
        let der = include_bytes!("../../../testdata/certificate.der");
        let ends = ends_at(der).expect("it can be read");
        assert_eq!(ends, Timestamp(1_829_919_642_000), "2027-12-27T15:00:42Z, as openssl says");
        let verdicts = [-30, -7, 0, 1].map(|days| certificate_finding(ends, ends.plus_ms(days * DAY_MS)).verdict);
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warning, Verdict::Failed, Verdict::Failed]);
        assert_eq!(ends_at(b"no certificate"), None);
    }

    #[tokio::test]
    async fn without_a_public_address_nothing_is_asked() {
        let found = public(None, true, Timestamp(0)).await;
        assert!(found.iter().all(|finding| finding.verdict == Verdict::Skipped) && found.len() == 2);
    }
}
