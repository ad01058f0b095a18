//! The machinery on the wire.

use crate::{
    api,
    app::system::{Lane, Listening, Storage, System},
    domain::{account::Account, tenant::TenantSlug},
    store,
};

pub(in crate::http) fn system(system: System, version: &str) -> api::System {
    let (control, journal, tenant) = store::schema_versions();
    let (webhooks, oldest_webhook) = system.webhooks;
    let (waiting, running, places) = system.bulk;
    api::System {
        at: system.at.into(),
        daemon: system.daemon,
        started_at: system.started_at.into(),
        resident_bytes: system.resident_bytes,
        versions: api::SystemVersions {
            aura: version.into(),
            sqlite: system.sqlite,
            schemas: api::Versions { control, journal, tenant },
        },
        listening: system.listening.map(listening),
        log_level: system.log_level.into(),
        queues: api::Queues {
            webhooks,
            oldest_webhook_at: oldest_webhook.map(Into::into),
            turns: system.turns.map(turns),
            bulk: api::BulkQueue { waiting: waiting as u64, running: running as u64, places: places as u64 },
        },
        storage: storage(system.storage),
        accounts: system.accounts.into_iter().map(account).collect(),
    }
}

fn listening(Listening { webhooks, metrics, socket }: Listening) -> api::Listening {
    api::Listening {
        webhooks: webhooks.to_string(),
        metrics: metrics.map(|address| address.to_string()),
        socket: socket.display().to_string(),
    }
}

fn turns(lane: Lane) -> api::TurnQueue {
    api::TurnQueue {
        waiting: lane.waiting as u64,
        oldest_at: lane.oldest.map(Into::into),
        more_on_disk: lane.more_on_disk,
        busy: lane.busy as u64,
        workers: lane.workers as u64,
        oldest_message_at: lane.oldest_message.map(Into::into),
    }
}

fn storage(storage: Storage) -> api::Storage {
    let tenant = |(slug, bytes): (TenantSlug, u64)| api::TenantBytes { tenant: slug.to_string(), bytes };
    api::Storage {
        data_dir: storage.data_dir.display().to_string(),
        control_bytes: storage.control,
        journal_bytes: storage.journal,
        tenants_bytes: storage.tenants,
        tenants: storage.tenants_count as u64,
        largest: storage.largest.into_iter().map(tenant).collect(),
        disk_free_bytes: storage.room.map(|room| room.free_bytes),
        disk_low_bytes: storage.room.map(|room| room.low_bytes),
    }
}

fn account((slug, account): (TenantSlug, Account)) -> api::AccountToken {
    api::AccountToken {
        tenant: slug.to_string(),
        channel: account.channel.to_string(),
        account_id: account.id.0,
        username: account.username,
        state: account.state.as_str().into(),
        given_at: account.connected_at.into(),
    }
}
