//! People whom the operator lets in: adding them, knowing them at the door, and closing it at once.

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{App, Caller, Error, caller::nearest};
use crate::{
    domain::{
        StaffId,
        staff::{Role, Staff, StaffName},
        tenant::TenantSlug,
    },
    store::StaffRow,
};

/// What every key begins with, so that one that lies about is recognised.
const KEY_PREFIX: &str = "aura_";
/// Random bytes of a key.
const KEY_BYTES: usize = 32;

/// A person about to be added, or how one is to be from now on.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// What people call the person.
    pub name: StaffName,
    /// What the person may do.
    pub role: Role,
    /// For which tenants; empty: for all.
    pub tenants: Vec<TenantSlug>,
    /// The user of this machine that the person is.
    pub uid: Option<u32>,
    /// Whether a key is made.
    pub key: bool,
}

/// What is to change of a person.
#[derive(Clone, Debug, Default)]
pub struct StaffChange {
    /// The role.
    pub role: Option<Role>,
    /// The tenants; empty: all.
    pub tenants: Option<Vec<TenantSlug>>,
    /// The user of this machine.
    pub uid: Option<u32>,
    /// A new key takes the old one's place.
    pub key: bool,
}

/// A person with the key that was just made, which is shown this once.
#[derive(Debug)]
pub struct AddedStaff {
    /// The person.
    pub staff: Staff,
    /// The key.
    pub key: Option<SecretString>,
}

impl App {
    /// Everybody, by name.
    pub async fn staff_list(&self) -> Result<Vec<Staff>, Error> {
        Ok(self.store.control().staff().await?.into_iter().map(|row| row.staff).collect())
    }

    /// Lets a person in.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nothing would make the person known; [`Error::NotFound`] for an unknown tenant;
    /// [`Error::Conflict`] when name or user are somebody's already.
    pub async fn staff_add(&self, caller: &Caller, new: NewStaff) -> Result<AddedStaff, Error> {
        if new.uid.is_none() && !new.key {
            return Err(Error::Invalid {
                message: format!("nothing would tell `{}` from anybody else", new.name),
                hint: Some("Name a user of this machine with --user or --uid, or make a key with --key.".into()),
            });
        }
        if StaffName::RESERVED.contains(&new.name.as_str()) {
            return Err(Error::Invalid {
                message: format!("nobody can be called `{}`: it means something of its own", new.name),
                hint: Some(format!("Choose another name than {}.", StaffName::RESERVED.join(", "))),
            });
        }
        let act = caller.act(self.clock.now());
        let (key, hash) = if new.key { made_key()?.unzip() } else { (None, None) };
        let staff = Staff {
            id: StaffId::next(&*self.ids),
            name: new.name,
            role: new.role,
            tenants: self.tenant_ids(caller, &new.tenants).await?,
            uid: new.uid,
            has_key: hash.is_some(),
            created_at: act.at,
        };
        self.store.control().add_staff(StaffRow { staff: staff.clone(), key: hash }, act).await?;
        Ok(AddedStaff { staff, key })
    }

    /// Changes what a person may do. It holds from the next request on, and open streams end.
    pub async fn staff_edit(
        &self,
        caller: &Caller,
        name: &StaffName,
        change: StaffChange,
    ) -> Result<AddedStaff, Error> {
        let mut staff = self.staff_named(name).await?;
        let (key, hash) = if change.key { made_key()?.unzip() } else { (None, None) };
        staff.role = change.role.unwrap_or(staff.role);
        staff.uid = change.uid.or(staff.uid);
        staff.has_key |= hash.is_some();
        if let Some(slugs) = change.tenants {
            staff.tenants = self.tenant_ids(caller, &slugs).await?;
        }
        self.store.control().edit_staff(staff.clone(), hash, caller.act(self.clock.now())).await?;
        self.staff_changed();
        Ok(AddedStaff { staff, key })
    }

    /// Closes the door to a person, at once.
    pub async fn staff_remove(&self, caller: &Caller, name: &StaffName) -> Result<Staff, Error> {
        let staff = self.staff_named(name).await?;
        self.store.control().remove_staff(staff.id, caller.act(self.clock.now())).await?;
        self.staff_changed();
        Ok(staff)
    }

    /// Who stands at the door: by the key if one is shown, else by the user of this machine. `None`: nobody who is known.
    pub async fn staff_at_door(&self, uid: Option<u32>, key: Option<&str>) -> Result<Option<Caller>, Error> {
        let all = self.store.control().staff().await?;
        let found = match key {
            Some(key) => by_key(&all, key),
            None => all.iter().find(|row| row.staff.uid.is_some() && row.staff.uid == uid),
        };
        Ok(found.map(|row| Caller::Staff(row.staff.clone().into())))
    }

    /// Returns when what the caller may do has changed: what was begun on it has to end. Never, for the operator.
    pub async fn until_changed(&self, caller: Caller) {
        let Caller::Staff(known) = caller else { return std::future::pending().await };
        let mut changes = self.live.staff.subscribe();
        loop {
            let now = self.store.control().staff().await;
            // Where it cannot be read, nobody can say that the person is still let in.
            if !now.is_ok_and(|all| all.iter().any(|row| row.staff == *known)) {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The person of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub(super) async fn staff_named(&self, name: &StaffName) -> Result<Staff, Error> {
        let all = self.store.control().staff().await?;
        if let Some(row) = all.iter().find(|row| row.staff.name == *name) {
            return Ok(row.staff.clone());
        }
        let near = nearest(name.as_str(), all.iter().map(|row| row.staff.name.as_str()));
        let hint = near.map(|near| format!("Did you mean `{near}`?"));
        Err(Error::NotFound {
            what: "person",
            name: name.to_string(),
            hint: Some(hint.unwrap_or_else(|| "`aura staff list` shows everybody.".into())),
        })
    }

    fn staff_changed(&self) {
        self.live.staff.send_modify(|count| *count += 1);
    }

    async fn tenant_ids(&self, caller: &Caller, slugs: &[TenantSlug]) -> Result<Vec<crate::domain::TenantId>, Error> {
        let mut ids = Vec::new();
        for slug in slugs {
            ids.push(self.authorize(caller, slug).await?.id());
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// A fresh key, and what is kept of it.
fn made_key() -> Result<Option<(SecretString, [u8; 32])>, Error> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|source| Error::Failed {
        message: "the system has no random numbers".into(),
        source: Some(source.into()),
    })?;
    let key = Zeroizing::new(format!("{KEY_PREFIX}{}", hex::encode(*bytes)));
    Ok(Some((SecretString::from(key.as_str()), hash(&key))))
}

/// A key is 256 random bits, so nobody guesses it from its hash, however fast that is.
fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.trim().as_bytes()).into()
}

/// Every row is compared, in constant time: how long it takes says nothing about any key.
fn by_key<'a>(all: &'a [StaffRow], key: &str) -> Option<&'a StaffRow> {
    let shown = hash(key);
    all.iter().fold(None, |found, row| {
        let fits = row.key.is_some_and(|known| known.ct_eq(&shown).into());
        if fits { Some(row) } else { found }
    })
}
