//! People whom the operator lets in. Their keys are kept as hashes.

use rusqlite::{ErrorCode, Row, named_params, types::Type};

use super::{Control, Error, audit, rows};
use crate::{
    domain::{
        StaffId, TenantId, Timestamp,
        audit::{Act, NewAudit},
        staff::{Role, Staff, StaffName},
    },
    store::row::json_strings,
};

const COLUMNS: &str = "id, name, role, tenants, uid, created_at_ms, key_sha256";

/// SHA-256 of a key.
pub type KeyHash = [u8; 32];

/// One person, with what proves the person's key.
#[derive(Clone, Debug)]
pub struct StaffRow {
    /// The person.
    pub staff: Staff,
    /// What the key hashes to, if there is one.
    pub key: Option<KeyHash>,
}

impl Control {
    /// Everybody, by name.
    pub async fn staff(&self) -> Result<Vec<StaffRow>, Error> {
        const ACTION: &str = "list the staff";
        let sql = format!("SELECT {COLUMNS} FROM staff ORDER BY name");
        self.database.read(ACTION, move |tx| rows(tx, ACTION, &sql, &[], |row| Ok(Ok(read(row)?)))).await
    }

    /// Adds a person.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name, the user or the key is somebody's already.
    pub async fn add_staff(&self, new: StaffRow, act: Act) -> Result<(), Error> {
        const ACTION: &str = "add a person";
        const SQL: &str = "
            INSERT INTO staff (id, name, role, tenants, uid, key_sha256, created_at_ms)
            VALUES (:id, :name, :role, :tenants, :uid, :key, :at)";
        self.database
            .write(ACTION, move |tx| {
                let StaffRow { staff, key } = new;
                let row = named_params! {
                    ":id": staff.id.to_string(), ":name": staff.name.as_str(), ":role": staff.role.as_str(),
                    ":tenants": tenants_text(&staff), ":uid": staff.uid, ":key": key, ":at": staff.created_at.0,
                };
                tx.execute(SQL, row).map_err(|error| taken(error, ACTION))?;
                audit::append(tx, act, &entry("staff.added", &staff))
            })
            .await
    }

    /// Changes what a person may do and how the person is known; the key only if one is given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the person is gone; [`Error::Conflict`] when the user is somebody else already.
    pub async fn edit_staff(&self, edited: Staff, key: Option<KeyHash>, act: Act) -> Result<(), Error> {
        const ACTION: &str = "change a person";
        const SQL: &str = "
            UPDATE staff SET role = :role, tenants = :tenants, uid = :uid, key_sha256 = coalesce(:key, key_sha256)
            WHERE id = :id";
        self.database
            .write(ACTION, move |tx| {
                let row = named_params! {
                    ":id": edited.id.to_string(), ":role": edited.role.as_str(), ":tenants": tenants_text(&edited),
                    ":uid": edited.uid, ":key": key,
                };
                match tx.execute(SQL, row).map_err(|error| taken(error, ACTION))? {
                    0 => Err(Error::NotFound { what: "person", name: edited.name.to_string() }),
                    _ => audit::append(tx, act, &entry("staff.changed", &edited)),
                }
            })
            .await
    }

    /// Removes a person; the name is gone with it. `false` if there was none.
    pub async fn remove_staff(&self, id: StaffId, act: Act) -> Result<bool, Error> {
        const ACTION: &str = "remove a person";
        self.database
            .write(ACTION, move |tx| {
                let row = named_params! { ":id": id.to_string() };
                let removed = tx.execute("DELETE FROM staff WHERE id = :id", row).map_err(Error::sql(ACTION))? > 0;
                if removed {
                    audit::append(tx, act, &NewAudit::new("staff.removed", None).id("person", id))?;
                }
                Ok(removed)
            })
            .await
    }
}

fn entry(action: &'static str, staff: &Staff) -> NewAudit {
    let tenants = i64::try_from(staff.tenants.len()).unwrap_or(i64::MAX);
    NewAudit::new(action, None).id("person", staff.id).word("role", staff.role.as_str()).number("tenants", tenants)
}

fn tenants_text(staff: &Staff) -> String {
    json_strings(staff.tenants.iter().map(TenantId::to_string))
}

fn taken(error: rusqlite::Error, action: &'static str) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => {
            let message = error.to_string();
            let what = if message.contains("staff.uid") { "that user" } else { "that name" };
            Error::Conflict(format!("there is already somebody with {what}"))
        }
        _ => Error::sql(action)(error),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StaffRow> {
    let unreadable = |column: usize| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "unreadable".into());
    let text = |column: usize| row.get::<_, String>(column);
    let tenants: Vec<String> = serde_json::from_str(&text(3)?).map_err(|_| unreadable(3))?;
    let tenants = tenants.iter().map(|id| id.parse().map_err(|_| unreadable(3))).collect::<Result<_, _>>()?;
    let key: Option<KeyHash> = row.get(6)?;
    let staff = Staff {
        id: text(0)?.parse().map_err(|_| unreadable(0))?,
        name: text(1)?.parse::<StaffName>().map_err(|_| unreadable(1))?,
        role: Role::parse(&text(2)?).ok_or_else(|| unreadable(2))?,
        tenants,
        uid: row.get(4)?,
        has_key: key.is_some(),
        created_at: Timestamp(row.get(5)?),
    };
    Ok(StaffRow { staff, key })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::control::tests::fresh;

    fn person(n: u128, name: &str, uid: Option<u32>) -> Staff {
        Staff {
            id: StaffId(Uuid::from_u128(n)),
            name: name.parse().expect("a name"),
            role: Role::Agent,
            tenants: vec![TenantId(Uuid::from_u128(9))],
            uid,
            has_key: uid.is_none(),
            created_at: Timestamp(1),
        }
    }

    #[tokio::test]
    async fn people_are_kept_under_one_name_user_and_key_each_and_logs_hold_no_name() {
        let (_folder, control) = fresh().await;
        let act = Act::operator(Timestamp(1));
        let (ana, ben) = (person(1, "ana", Some(1000)), person(2, "ben", None));
        control.add_staff(StaffRow { staff: ana.clone(), key: None }, act).await.expect("added");
        control.add_staff(StaffRow { staff: ben.clone(), key: Some([7; 32]) }, act).await.expect("added");
        for again in [person(3, "ana", Some(1001)), person(3, "cleo", Some(1000))] {
            let refused = control.add_staff(StaffRow { staff: again, key: None }, act).await;
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
        let viewer = Staff { role: Role::Viewer, tenants: Vec::new(), ..ben.clone() };
        control.edit_staff(viewer.clone(), None, act).await.expect("changed");
        let all = control.staff().await.expect("listed");
        assert_eq!(all.iter().map(|row| row.staff.clone()).collect::<Vec<_>>(), [ana.clone(), viewer]);
        assert_eq!(all.iter().map(|row| row.key).collect::<Vec<_>>(), [None, Some([7; 32])], "no new key, the old one");
        assert!(control.remove_staff(ana.id, act).await.expect("removed"));
        assert!(!control.remove_staff(ana.id, act).await.expect("gone already"));
        let audit = control.audit_after(0, 10).await.expect("read");
        let actions: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["staff.added", "staff.added", "staff.changed", "staff.removed"]);
        assert!(audit.iter().all(|entry| !entry.payload.contains("ana") && !entry.payload.contains("ben")));
    }
}
