//! A stand-in mail server: speaks as much SMTP as a client of ours needs, and keeps what it is given.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A mail as it was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is from, as the envelope has it.
    pub from: String,
    /// Whom it is for, as the envelope has it.
    pub to: Vec<String>,
    /// What the client said to prove who it is, base64 as it came.
    pub login: Option<String>,
    /// Headers and body, as they came.
    pub text: String,
}

#[derive(Debug)]
struct Shared {
    mails: watch::Sender<Vec<Mail>>,
    /// How a mail is answered after its end.
    verdict: AtomicU16,
}

/// The server; stops listening when dropped.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl MailServer {
    /// Listens on a free port of this machine, in the clear, takes any login and every mail.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { mails: watch::Sender::new(Vec::new()), verdict: AtomicU16::new(250) });
        let serving = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &shared).await {
                            tracing::debug!(%error, "a mail client went away");
                        }
                    });
                }
            }
        });
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers mails with this code from now on: 250 takes them, 451 wants them later, 550 never.
    pub fn answer(&self, code: u16) {
        self.shared.verdict.store(code, Ordering::Relaxed);
    }

    /// Everything that was handed over, taken or not.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.borrow().clone()
    }

    /// Waits until `count` mails were handed over; `None`: not within `deadline`.
    pub async fn until_mails(&self, count: usize, deadline: Duration) -> Option<Vec<Mail>> {
        let mut mails = self.shared.mails.subscribe();
        let wait = mails.wait_for(|mails| mails.len() >= count);
        Some(tokio::time::timeout(deadline, wait).await.ok()?.ok()?.clone())
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example ESMTP\r\n").await?;
    let (mut mail, mut line) = (Mail::default(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let said = line.trim_end();
        let verb = said.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let address = || said.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = match verb.as_str() {
            "EHLO" => "250-mail.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN".to_owned(),
            "AUTH" => {
                mail.login = said.split(' ').nth(2).map(str::to_owned);
                "235 welcome".to_owned()
            }
            "MAIL" => {
                mail.from = address();
                "250 ok".to_owned()
            }
            "RCPT" => {
                mail.to.push(address());
                "250 ok".to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                mail.text = data(&mut stream).await?;
                let done = Mail { login: mail.login.clone(), ..std::mem::take(&mut mail) };
                shared.mails.send_modify(|mails| mails.push(done));
                format!("{} that is how it is", shared.verdict.load(Ordering::Relaxed))
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok".to_owned(),
            _ => "502 not here".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// The lines up to the lonely dot, with the doubled dots undone.
async fn data(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let (mut text, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 || line.trim_end() == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
