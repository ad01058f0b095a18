//! The answers that `aura init` goes by: from a file, or from a person at the terminal.

use std::path::{Path, PathBuf};

use aura::domain::tenant::TenantSlug;
use serde::Deserialize;

use super::{init::Before, input};
use crate::failure::Failure;

/// What an empty answer to an offer without a default means.
const NONE: &str = "none";

/// Everything that can be said; what is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Where the data goes.
    pub data_dir: Option<PathBuf>,
    /// Under which address the internet reaches the daemon.
    pub public_url: Option<String>,
    /// The first shop.
    pub shop: Option<Shop>,
    /// What writes answers: `builtin`, or PROVIDER:MODEL.
    pub model: Option<String>,
    /// Where a copy of the master key goes.
    pub recovery_copy: Option<RecoveryCopy>,
}

/// A shop to add.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// How it is addressed.
    pub slug: String,
    /// Its own name.
    pub name: String,
    /// Its language; English when left out.
    #[serde(default)]
    pub language: Option<String>,
    /// Its currency; EUR when left out.
    #[serde(default)]
    pub currency: Option<String>,
}

impl Shop {
    /// Its name, language and currency.
    pub fn described(&self) -> String {
        let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        format!("{}, {}, {}", self.name, or(&self.language, "en"), or(&self.currency, "EUR"))
    }
}

/// A copy of the master key to write.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCopy {
    /// The file; it may not exist yet.
    pub file: PathBuf,
    /// Public keys that can open it; none: a passphrase.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// File with the passphrase.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
}

impl Answers {
    /// Reads a file: TOML by its name, else YAML.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text =
            String::from_utf8(input::small_file(path)?).map_err(|_| Failure::usage("the answers are no text"))?;
        let refused = |reason: String| {
            let shown = input::shown(path);
            Failure::usage(format!("{shown} cannot be understood: {}", reason.trim()))
                .hint("`aura init --help` shows one.")
        };
        if path.extension().is_some_and(|extension| extension == "toml") {
            return toml::from_str(&text).map_err(|error| refused(error.to_string()));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(&text).map_err(|error| refused(error.to_string()))
    }
}

/// A person at the terminal. An answer that makes no sense is asked for again.
#[derive(Debug, Default)]
pub struct Asked {}

impl Asked {
    /// Where the data goes.
    pub async fn data_dir(&self, default: &Path) -> Result<PathBuf, Failure> {
        let shown = default.display().to_string();
        self.one("Data directory", &shown, |text| {
            let path = PathBuf::from(text);
            if path.is_absolute() { Ok(path) } else { Err("name it from the root, such as /var/lib/aura") }
        })
        .await
    }

    /// Everything else that is not said and not there already.
    pub async fn rest(&self, given: Answers, before: &Before, url: Option<&str>) -> Result<Answers, Failure> {
        let mut answers = given;
        answers.public_url = self
            .one("Public URL, under which Instagram reaches this machine", url.unwrap_or(NONE), |text| match text {
                NONE => Ok(None),
                url if url.starts_with("https://") || url.starts_with("http://") => Ok(Some(url.to_owned())),
                _ => Err("it begins with https://"),
            })
            .await?;
        if before.shops.is_empty() {
            answers.shop = self
                .one("First shop, its short name and its own, such as `noor Noor Atelier`", NONE, |text| match text {
                    NONE => Ok(None),
                    text => parse_shop(text).map(Some),
                })
                .await?;
        }
        if let Some(shop) = &mut answers.shop {
            let (language, currency) = self
                .one("Its language and currency", "en EUR", |text| {
                    match text.split_whitespace().collect::<Vec<_>>()[..] {
                        [language, currency] => Ok((language.to_lowercase(), currency.to_uppercase())),
                        _ => Err("two words, such as `de EUR`"),
                    }
                })
                .await?;
            (shop.language, shop.currency) = (Some(language), Some(currency));
        }
        let model = before.model.as_deref().unwrap_or("builtin");
        let question = "Model that writes answers: builtin, or PROVIDER:MODEL such as gemini:gemini-3.5-flash-lite";
        answers.model = self
            .one(question, model, |text| match text == "builtin" || text.contains(':') {
                true => Ok(Some(text.to_owned())),
                false => Err("`builtin`, or a provider and a model with a colon between them"),
            })
            .await?;
        if !before.has_copy {
            answers.recovery_copy = self
                .one("File for a copy of the master key, on another disk", NONE, |text| match text {
                    NONE => Ok(None),
                    text => Ok(Some(RecoveryCopy { file: text.into(), recipients: Vec::new(), passphrase_file: None })),
                })
                .await?;
        }
        Ok(answers)
    }

    async fn one<T>(
        &self,
        question: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<T, Failure> {
        loop {
            let line = input::line(&format!("{question} [{default}]: ")).await?;
            let line = line.ok_or_else(|| Failure::usage("there are no more answers, and nothing was written"))?;
            let text = Some(line.trim()).filter(|text| !text.is_empty()).unwrap_or(default);
            match parse(text) {
                Ok(answer) => return Ok(answer),
                Err(reason) => input::remark(&format!("  {reason}\n"))?,
            }
        }
    }
}

fn parse_shop(text: &str) -> Result<Shop, &'static str> {
    let (slug, name) = text.split_once(char::is_whitespace).ok_or("first the short name, then its own")?;
    let slug = TenantSlug::parse(slug).map_err(|_| "the short name has small letters, digits and hyphens")?;
    Ok(Shop { slug: slug.to_string(), name: name.trim().to_owned(), language: None, currency: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Answers, Failure> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        Answers::read(&path)
    }

    #[test]
    fn the_same_answers_are_read_from_yaml_and_toml() {
        let yaml = read(
            "a.yaml",
            "public_url: https://dm.example.com\nshop: { slug: noor, name: Noor Atelier, language: de }\nmodel: builtin\n",
        );
        let toml = read(
            "a.toml",
            "public_url = \"https://dm.example.com\"\nmodel = \"builtin\"\n[shop]\nslug = \"noor\"\nname = \"Noor Atelier\"\nlanguage = \"de\"\n",
        );
        let yaml = yaml.expect("read");
        assert_eq!(yaml, toml.expect("read"));
        assert_eq!(yaml.shop.expect("a shop").described(), "Noor Atelier, de, EUR");
        assert_eq!(read("empty.yaml", "\n").expect("read"), Answers::default());
    }

    #[test]
    fn an_answer_to_nothing_is_refused() {
        for (name, text) in
            [("a.yaml", "publicurl: x"), ("a.toml", "publicurl = \"x\""), ("a.yaml", "shop: { slug: a }")]
        {
            let refused = read(name, text).expect_err(text);
            assert!(refused.exit == 2 && refused.message.contains("cannot be understood"), "{refused:?}");
        }
    }

    #[test]
    fn a_shop_is_its_short_name_and_its_own() {
        let shop = parse_shop("noor  Noor Atelier ").expect("a shop");
        assert_eq!((shop.slug.as_str(), shop.name.as_str()), ("noor", "Noor Atelier"));
        assert!(parse_shop("noor").is_err() && parse_shop("No or").is_err());
    }
}
