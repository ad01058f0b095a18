//! `aura demo`

/// Show the whole thing with a simulated Instagram and a sample shop
///
/// Works in a temporary directory, needs no account and no key, and removes everything when it ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aura demo
  aura demo --once --json")]
pub struct DemoArgs {
    /// Run a fixed script of conversations, check the outcome, exit 0 or 1
    #[arg(long)]
    pub once: bool,
    /// Address to accept webhooks on; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
}

// LOCAL STUB: the integrator writes `run`.
pub async fn run(_context: &crate::context::Context, _args: DemoArgs) -> Result<u8, crate::failure::Failure> {
    Err(crate::failure::Failure::usage("stub"))
}
