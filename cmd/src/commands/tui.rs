//! `aura tui`

use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal},
    path::PathBuf,
};

use aura::config::{Config, TuiTheme};
use aura_tui::{Error, Options, ScreenId, theme::Theme};
use clap::builder::PossibleValuesParser;

use crate::{context::Context, failure::Failure, time::now};

/// The size of a frame that is printed.
const DUMP_SIZE: Size = Size { columns: 100, rows: 30 };
/// Larger frames than this nobody has asked for.
const CELLS_MAX: u16 = 1_000;

/// Watch conversations, see what answers rest on, take over
///
/// Press `?` for the keys. Sending to a shopper takes two keys and can be taken back for ten seconds. It follows the daemon
/// through restarts. `tui.theme` and `tui.keys` in the configuration change how it looks and what its keys are. With `--dump`
/// it prints one frame of a screen as text: for scripts, tests and screen readers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura tui
  aura tui live --filter \"tenant:noor !reply.sent\"
  aura tui --dump inbox --size 100x30")]
pub struct TuiArgs {
    /// Screen to begin with
    #[arg(value_parser = screens(), default_value = "inbox")]
    screen: String,
    /// Filter its list: words, tenant:, state:, since:, cost>; `!` turns a term round, `~` looks roughly
    #[arg(long, value_name = "TERMS")]
    filter: Option<String>,
    /// Print one frame of this screen as text instead
    #[arg(long, value_name = "SCREEN", value_parser = screens(), conflicts_with = "screen")]
    dump: Option<String>,
    /// How large that frame is
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = parse_size, default_value_t = DUMP_SIZE, requires = "dump")]
    size: Size,
    /// How it looks, in place of the setting
    #[arg(long, value_parser = themes())]
    theme: Option<String>,
}

fn screens() -> PossibleValuesParser {
    ScreenId::ALL.map(ScreenId::name).into()
}

fn themes() -> PossibleValuesParser {
    Theme::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

#[derive(Clone, Copy, Debug)]
struct Size {
    columns: u16,
    rows: u16,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.columns, self.rows)
    }
}

fn parse_size(text: &str) -> Result<Size, String> {
    let number = |text: &str| text.parse().ok().filter(|cells| (1..=CELLS_MAX).contains(cells));
    let size =
        text.split_once('x').and_then(|(columns, rows)| Some(Size { columns: number(columns)?, rows: number(rows)? }));
    size.ok_or_else(|| format!("columns and rows such as 100x30, each at most {CELLS_MAX}"))
}

pub async fn run(context: &Context, args: TuiArgs) -> Result<(), Failure> {
    let loaded = context.load(Vec::new())?;
    let screen = args.dump.as_deref().unwrap_or(&args.screen);
    let options = Options {
        screen: ScreenId::named(screen).unwrap_or(ScreenId::Inbox),
        filter: args.filter,
        theme: theme(context, &loaded.config, args.theme.as_deref()),
        keys: keys(&loaded.config)?,
        history: history(),
        now,
    };
    if args.dump.is_some() {
        let Size { columns, rows } = args.size;
        let frame = aura_tui::dump(context.client().await?, &options, columns, rows).await.map_err(failed)?;
        return context.ui.text(frame.trim_end_matches('\n'));
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let hint = "Print one frame with `aura tui --dump inbox`, or follow events with `aura tail`.";
        return Err(Failure::usage("the monitor needs a terminal").hint(hint));
    }
    // Without a daemon nothing happens that could be watched.
    let client = context.daemon().await?;
    aura_tui::run(client, options).await.map_err(failed)
}

fn failed(error: Error) -> Failure {
    match &error {
        Error::Keys(_) => Failure::usage(error.to_string()).hint("docs/keys.md has the names of actions and keys."),
        Error::Filter(_) => {
            Failure::usage(error.to_string()).hint("Write words, tenant:SLUG, state:waiting, since:2h, cost>0.01.")
        }
        Error::Terminal(cause) => Failure::io("the terminal failed", cause),
        Error::Panicked => Failure::new(1, "failed", error.to_string())
            .hint("Please report it with what stands above; nothing was lost in Aura."),
        Error::Silent => {
            Failure::new(75, "temporary", error.to_string()).hint("See whether the daemon is well: `aura status`.")
        }
    }
}

/// `tui.keys` as the monitor takes them.
fn keys(config: &Config) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let entry = |entry: &String| {
        let (action, keys) = entry.split_once('=').ok_or_else(|| {
            Failure::usage(format!("the setting tui.keys: `{entry}` is not ACTION=KEY"))
                .hint("Write entries such as \"quit=ctrl-q\"; docs/keys.md has the names.")
        })?;
        Ok((action.trim().to_owned(), keys.split_whitespace().map(str::to_owned).collect()))
    };
    config.tui.keys.iter().map(entry).collect()
}

/// No colours where nobody wants them; else the flag, else the setting.
fn theme(context: &Context, config: &Config, flag: Option<&str>) -> Theme {
    if !context.ui.colours() {
        return Theme::Mono;
    }
    flag.and_then(Theme::named).unwrap_or(match config.tui.theme {
        TuiTheme::Terminal => Theme::Terminal,
        TuiTheme::Dark => Theme::Dark,
        TuiTheme::Light => Theme::Light,
        TuiTheme::Mono => Theme::Mono,
    })
}

/// Where command lines are remembered: `$XDG_STATE_HOME/aura`, else below the home.
fn history() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("aura/tui_history"))
}
