//! The journal over a real file: what it keeps, what it turns away, and when.

use std::sync::mpsc as threads;

use super::*;

fn open(dir: &Path) -> Journal {
    Journal::open(&dir.join("journal.db"), Blocking::new(), Health::new()).expect("a journal opens")
}

#[tokio::test]
async fn deliveries_survive_a_restart_in_their_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(dir.path());
    for n in 0..5_u8 {
        journal.append(None, None, Bytes::from(vec![n]), Timestamp(n.into())).await.expect("durable");
    }
    drop(journal);
    let journal = open(dir.path());
    let bodies: Vec<_> = journal.waiting(0, 10).await.expect("read").into_iter().map(|row| row.body).collect();
    assert_eq!(bodies, [[0], [1], [2], [3], [4]]);
    assert_eq!(journal.figures().backlog, 5);
}

#[tokio::test]
async fn settled_deliveries_are_gone_and_unreadable_ones_set_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(dir.path());
    for body in ["good", "bad"] {
        journal.append(None, None, body.into(), Timestamp(1)).await.expect("durable");
    }
    let ids: Vec<_> = journal.waiting(0, 10).await.expect("read").into_iter().map(|row| row.id).collect();
    let settled = Settled { done: vec![ids[0]], unreadable: vec![(ids[1], "not JSON")], now: Timestamp(2) };
    journal.settle(settled).await.expect("settled");
    assert!(journal.waiting(0, 10).await.expect("read").is_empty());
    let file = Connection::open(dir.path().join("journal.db")).expect("the file opens");
    let kept: (String, Vec<u8>) = file
        .query_row("SELECT reason, body FROM unreadable", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("one row");
    assert_eq!(kept, ("not JSON".to_owned(), b"bad".to_vec()));
}

#[tokio::test]
async fn many_waiting_deliveries_share_commits() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(dir.path());
    // While somebody else writes, everything comes to wait.
    let other = Connection::open(dir.path().join("journal.db")).expect("the file opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let appends = (0..500).map(|_| journal.append(None, None, Bytes::from_static(b"x"), Timestamp(0)));
    let mut appends = std::pin::pin!(futures_util::future::join_all(appends));
    tokio::select! {
        biased;
        _ = &mut appends => panic!("nothing can be durable yet"),
        () = std::future::ready(()) => {}
    }
    other.execute_batch("COMMIT").expect("unlocked");
    for outcome in appends.await {
        outcome.expect("durable");
    }
    let figures = journal.figures();
    assert_eq!(figures.rows, 500);
    assert!(figures.commits <= 4, "{} commits for 500 deliveries", figures.commits);
}

/// Waits for something that another thread does.
async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it never came");
}

/// A journal whose time the test moves: each commit takes the milliseconds that the test sends, and waits for them.
struct Slow {
    journal: Journal,
    /// Dropped: commits take no time any more.
    next_commit_ms: threads::Sender<u64>,
    sent: Vec<tokio::task::JoinHandle<(u64, Outcome)>>,
    /// Of them, those that have reached the journal.
    begun: Arc<AtomicU64>,
}

impl Slow {
    fn open(dir: &Path) -> Self {
        let time = Arc::new(AtomicU64::new(0));
        let elapsed = {
            let time = Arc::clone(&time);
            move || Duration::from_millis(time.load(Ordering::Acquire))
        };
        let journal = Journal::open_with(&dir.join("journal.db"), Blocking::new(), Health::new(), Box::new(elapsed))
            .expect("opens");
        let (next_commit_ms, commits) = threads::channel();
        let commits = Mutex::new(commits);
        journal.observe(move |observed| {
            if let Observed::Committed { .. } = observed
                && let Ok(ms) = commits.lock().unwrap_or_else(PoisonError::into_inner).recv()
            {
                time.fetch_add(ms, Ordering::AcqRel);
            }
        });
        Self { journal, next_commit_ms, sent: Vec::new(), begun: Arc::default() }
    }

    /// Sends `count` deliveries and waits until they have been counted as `queued` or turned away.
    async fn send(&mut self, count: u64) {
        for _ in 0..count {
            let (journal, number, begun) = (self.journal.clone(), self.sent.len() as u64, Arc::clone(&self.begun));
            self.sent.push(tokio::spawn(async move {
                begun.fetch_add(1, Ordering::AcqRel);
                let body = Bytes::copy_from_slice(&number.to_be_bytes());
                (number, journal.append(None, None, body, Timestamp(0)).await)
            }));
        }
        // A test has one thread, and nothing is awaited between counting and sending.
        until(|| self.begun.load(Ordering::Acquire) == self.sent.len() as u64).await;
    }

    /// Waits until the writer has committed so often, and stands there.
    async fn until_commits(&self, count: u64) {
        until(|| self.journal.figures().commits >= count).await;
    }

    fn commit_takes(&self, ms: u64) {
        self.next_commit_ms.send(ms).expect("the writer lives");
    }

    /// What was accepted, and why the rest was not; checks that exactly what was accepted is in the journal.
    async fn end(self) -> (Vec<u64>, Vec<Shed>) {
        drop(self.next_commit_ms);
        let (mut accepted, mut shed) = (Vec::new(), Vec::new());
        for sent in self.sent {
            match sent.await.expect("it ends") {
                (number, Ok(())) => accepted.push(number),
                (_, Err(AppendError::Overloaded(reason))) => shed.push(reason),
                (number, Err(error)) => panic!("{number}: {error}"),
            }
        }
        let rows = self.journal.waiting(0, 100_000).await.expect("read").into_iter();
        let stored: Vec<u64> = rows.map(|row| u64::from_be_bytes(row.body.try_into().expect("eight bytes"))).collect();
        assert_eq!(stored, accepted, "what got a 200 is in the journal, and nothing that did not");
        (accepted, shed)
    }
}

#[tokio::test]
async fn a_queue_that_stands_is_shed_before_the_commit_and_service_comes_back_by_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut slow = Slow::open(dir.path());
    slow.send(1).await;
    slow.until_commits(1).await;
    // Three commits' worth wait, and with every commit as many come as it takes away.
    slow.send(512).await;
    for commits in 2..=8 {
        slow.send(256).await;
        slow.commit_takes(300);
        slow.until_commits(commits).await;
        assert!(!slow.journal.is_overloaded(), "after {commits} commits");
    }
    slow.commit_takes(300);
    until(|| slow.journal.figures().queued == 0).await;
    slow.send(1).await;
    slow.until_commits(9).await;
    let journal = slow.journal.clone();
    let (accepted, shed) = slow.end().await;
    assert_eq!(accepted.len(), 1 + 7 * 256 + 1);
    assert_eq!(accepted.last(), Some(&(1 + 9 * 256)), "the one that came when nothing waited any more");
    assert_eq!(shed, vec![Shed::Standing; 2 * 256]);
    until(|| !journal.is_overloaded()).await;
}

#[tokio::test]
async fn who_has_waited_two_seconds_is_turned_away_and_the_next_one_served() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut slow = Slow::open(dir.path());
    slow.send(1).await;
    slow.until_commits(1).await;
    slow.send(5).await;
    slow.commit_takes(2_001);
    until(|| slow.journal.figures().queued == 0).await;
    slow.send(1).await;
    slow.until_commits(2).await;
    let (accepted, shed) = slow.end().await;
    assert_eq!((accepted, shed), (vec![0, 6], vec![Shed::WaitedTooLong; 5]));
}

#[tokio::test]
async fn more_than_may_wait_are_turned_away_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut slow = Slow::open(dir.path());
    slow.send(1).await;
    slow.until_commits(1).await;
    slow.send(QUEUE_MAX as u64 + 7).await;
    assert_eq!(slow.journal.figures().queued, QUEUE_MAX);
    let (accepted, shed) = slow.end().await;
    assert_eq!((accepted.len(), shed), (1 + QUEUE_MAX, vec![Shed::QueueFull; 7]));
}
