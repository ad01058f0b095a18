//! What the pictures of messages show: kept with their message, read with it, and gone with it.

use rusqlite::{OptionalExtension, Row, named_params, types::Type};
use serde::Deserialize;
use serde_json::json;

use super::{Error, TenantStore};
use crate::domain::{MessageId, conversation::Sight};

/// A sight as the file has it.
#[derive(Debug, Deserialize)]
struct Stored {
    picture: usize,
    shows: String,
    product: String,
    made_by: String,
}

/// Reads a message's sights. What is wrong with them is told without their words: they may be a shopper's.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Vec<Sight>> {
    let index = row.as_ref().column_index("sights")?;
    let json: String = row.get(index)?;
    let stored: Vec<Stored> = serde_json::from_str(&json)
        .map_err(|_| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, "no list of sights".into()))?;
    let sight = |Stored { picture, shows, product, made_by }| Sight { picture, shows, product, made_by };
    Ok(stored.into_iter().map(sight).collect())
}

fn written(sights: &[Sight]) -> String {
    let stored = |Sight { picture, shows, product, made_by }: &Sight| json!({ "picture": picture, "shows": shows, "product": product, "made_by": made_by });
    serde_json::Value::from_iter(sights.iter().map(stored)).to_string()
}

impl TenantStore {
    /// Keeps what pictures show. What is known of a picture already stays; a message that was taken back meanwhile gets
    /// nothing.
    pub async fn keep_sights(&self, seen: Vec<(MessageId, Sight)>) -> Result<(), Error> {
        const KNOWN: &str = "SELECT sights FROM message WHERE id = :message AND unsent = 0";
        const KEEP: &str = "UPDATE message SET sights = :sights WHERE id = :message";
        self.write("keep what pictures show", move |tx| {
            let keep = || -> rusqlite::Result<()> {
                for (message, sight) in &seen {
                    let message = message.to_string();
                    let known =
                        tx.prepare_cached(KNOWN)?.query_row(named_params! { ":message": message }, read).optional()?;
                    let Some(mut sights) = known else { continue };
                    if sights.iter().all(|known| known.picture != sight.picture) {
                        sights.push(sight.clone());
                        let row = named_params! { ":message": message, ":sights": written(&sights) };
                        tx.prepare_cached(KEEP)?.execute(row)?;
                    }
                }
                Ok(())
            };
            keep().map_err(Error::sql("keep what pictures show"))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::inbound::InboundKind, store::life_tests::Shop};

    fn sight(picture: usize, shows: &str) -> Sight {
        Sight { picture, shows: shows.into(), product: "linen shirt".into(), made_by: "x:y".into() }
    }

    #[tokio::test]
    async fn what_a_picture_shows_is_kept_once_and_gone_with_its_message() {
        let shop = Shop::open();
        shop.writes(1, "m1", "this?").await;
        shop.writes(2, "m2", "or this?").await;
        let conversation = shop.conversation().await;
        let all = async || shop.store.messages(conversation, 10).await.expect("read");
        let id = all().await[0].id;
        let keep = async |seen| shop.store.keep_sights(seen).await.expect("written");
        keep(vec![(id, sight(0, "A shirt.")), (id, sight(2, "A mug."))]).await;
        keep(vec![(id, sight(0, "Something else."))]).await;
        assert_eq!(all().await[0].sights, [sight(0, "A shirt."), sight(2, "A mug.")]);
        assert!(all().await[1].sights.is_empty());
        shop.happens(3, InboundKind::Unsend { mid: "m1".into() }, "m1").await;
        assert!(all().await[0].sights.is_empty());
        keep(vec![(id, sight(1, "Seen too late."))]).await;
        assert!(all().await[0].sights.is_empty(), "it was looked at while the message was taken back");
    }
}
