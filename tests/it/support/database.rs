//! A database a test, cloned from a migrated template.
//!
//! Clones are kept and *leased*: a test takes one by an advisory lock on a side connection, which
//! ends when the test's process does, and wipes it. That costs a tenth of a new clone.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use boost_dashboard::db::{
    Connection, Pool,
    embedded::{self, Embedded, Flavour},
    migrate,
    pool::{self, PoolSettings},
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::server;
use crate::embedded::folder;

/// How many tests may hold a database at once, over all processes.
const LEASES: i32 = 64;
/// How many templates are kept: each version of the migrations has its own.
const TEMPLATES: usize = 8;
const POLL: Duration = Duration::from_millis(20);

/// A real database that is this test's alone.
pub(crate) struct TestDb {
    url: String,
    pool: Pool,
    /// Its session holds the database for this test.
    _holder: Client,
    /// The server, if that is this test's alone as well.
    _server: Option<(Embedded, TempDir)>,
}

impl TestDb {
    /// A migrated database without rows. Tests that change the schema take [`Self::fresh`].
    pub(crate) async fn new() -> Self {
        Self::patiently(async || Admin::connect().await?.lease().await).await
    }

    /// A migrated database of its own, thrown away afterwards.
    pub(crate) async fn fresh() -> Self {
        Self::patiently(async || {
            let admin = Admin::connect().await?;
            let template = admin.template().await?;
            admin.throwaway(&template).await
        })
        .await
    }

    /// A database with nothing in it, not even migrations, thrown away afterwards.
    pub(crate) async fn empty() -> Self {
        Self::patiently(async || Admin::connect().await?.throwaway("template0").await).await
    }

    /// A migrated database on a server of its own, where no other test's transactions are counted.
    pub(crate) async fn alone() -> Self {
        let folder = folder();
        let data = folder.path().join("data");
        let server = embedded::start(&data, None, Flavour::Test).await.unwrap();
        let url = server.url().to_owned();
        migrate(url.clone()).await.unwrap();
        Self::of(client(&url).await.unwrap(), url, Some((server, folder)))
    }

    /// The URL of this database; its role is a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The pool of this database, good for as long as `self` is.
    pub(crate) fn pool(&self) -> Pool {
        self.pool.clone()
    }

    /// One connection, outside the pool. It may outlive `self`.
    pub(crate) async fn connect(&self) -> Connection {
        pool::connect(&self.url).await.unwrap()
    }

    /// One number, by a query of the test's own.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let (client, driver) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(driver);
        client.query_one(&format!("select ({sql})::bigint"), &[]).await.unwrap().get(0)
    }

    /// Waits until the feeds give all that was committed: they end before the oldest transaction that
    /// runs, and one of another test's database keeps them back as well.
    pub(crate) async fn settle(&self) {
        let mine = self.number("select pg_current_xact_id()::text::bigint").await;
        let oldest = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        while self.number(oldest).await <= mine {
            tokio::time::sleep(POLL).await;
        }
    }

    /// The keeper may stop the server between being asked and being used; then once more.
    async fn patiently(make: impl AsyncFn() -> anyhow::Result<(Client, String)>) -> Self {
        let mut outcome = make().await;
        for _ in 0..2 {
            if outcome.is_err() {
                outcome = make().await;
            }
        }
        let (holder, url) = outcome.unwrap();
        Self::of(holder, url, None)
    }

    fn of(holder: Client, url: String, server: Option<(Embedded, TempDir)>) -> Self {
        // A busy machine is no reason for a test to fail.
        let patient = Duration::from_secs(20);
        let settings = PoolSettings {
            size: 8,
            wait_timeout: patient,
            connect_timeout: patient,
            ..PoolSettings::default()
        };
        let pool = pool::build(&url, &settings).unwrap();
        Self { url, pool, _holder: holder, _server: server }
    }
}

/// A session in the server's own database, where the advisory locks are.
struct Admin {
    url: String,
    client: Client,
}

impl Admin {
    async fn connect() -> anyhow::Result<Self> {
        let url = server::url().await?;
        let client = client(&url).await?;
        Ok(Self { url, client })
    }

    /// Takes a clone of the template, and makes it like the template again.
    async fn lease(self) -> anyhow::Result<(Client, String)> {
        let template = self.template().await?;
        let number = loop {
            // A connection may outlive its `TestDb`: a database with sessions is not free either.
            let free = "select number from generate_series(0, $2 - 1) number \
                        where not exists (select from pg_stat_activity \
                            where datname = $1 || '_' || number) \
                        and pg_try_advisory_lock(hashtext($1), number) limit 1";
            match self.client.query_opt(free, &[&template, &LEASES]).await? {
                Some(row) => break row.get::<_, i32>(0),
                None => tokio::time::sleep(POLL).await,
            }
        };
        let name = format!("{template}_{number}");
        let url = self.url_of(&name);
        if !self.exists(&name).await? || !self.wipe(&url, &template).await? {
            self.clone_database(&template, &name).await?;
        }
        Ok((self.client, url))
    }

    /// Empties a leased database. Says no if that does not make it like its template.
    async fn wipe(&self, url: &str, template: &str) -> anyhow::Result<bool> {
        let client = client(url).await?;
        // A task that the last holder forgot may have connected since.
        client
            .batch_execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await?;
        if self.mark_of(template).await? != mark(&client).await? {
            return Ok(false);
        }
        client.batch_execute(WIPE).await?;
        Ok(true)
    }

    /// The name of the template of this binary's migrations, which is made if need be.
    async fn template(&self) -> anyhow::Result<String> {
        let name = format!("t_{}", &migrations_digest()?[..16]);
        if self.is_template(&name).await? {
            return Ok(name);
        }
        while !self.try_lock("making a template", &name).await? {
            tokio::time::sleep(POLL).await;
        }
        if !self.is_template(&name).await? {
            self.make_template(&name).await?;
        }
        self.unlock("making a template", &name).await?;
        Ok(name)
    }

    async fn make_template(&self, name: &str) -> anyhow::Result<()> {
        self.drop_old_templates().await?;
        self.clone_database("template0", name).await?;
        let url = self.url_of(name);
        migrate(url.clone()).await.context("the template cannot be migrated")?;
        let mark = mark(&client(&url).await?).await?;
        // Marked last: what is marked is whole.
        self.client
            .batch_execute(&format!(
                "comment on database {name} is '{mark}'; alter database {name} is_template true"
            ))
            .await?;
        Ok(())
    }

    /// Drops the oldest templates with their clones, as far as nobody uses them.
    async fn drop_old_templates(&self) -> anyhow::Result<()> {
        let templates = "select datname from pg_database where datname ~ '^t_[0-9a-f]{16}$' \
                         order by oid desc";
        let templates = self.client.query(templates, &[]).await?;
        for template in templates.iter().skip(TEMPLATES - 1) {
            let template: String = template.get(0);
            let clones = "select datname, substring(datname from 20)::integer from pg_database \
                          where starts_with(datname, $1 || '_')";
            let mut used = false;
            for row in self.client.query(clones, &[&template]).await? {
                let (clone, number): (String, i32) = (row.get(0), row.get(1));
                let free = "select pg_try_advisory_lock(hashtext($1), $2)";
                if self.client.query_one(free, &[&template, &number]).await?.get(0) {
                    self.drop_database(&clone).await?;
                    let unlock = "select pg_advisory_unlock(hashtext($1), $2)";
                    self.client.query_one(unlock, &[&template, &number]).await?;
                } else {
                    used = true;
                }
            }
            if !used {
                self.drop_database(&template).await?;
            }
        }
        Ok(())
    }

    /// A new database that the next caller drops, once the session that holds it has ended.
    async fn throwaway(self, template: &str) -> anyhow::Result<(Client, String)> {
        let left = "select datname from pg_database where starts_with(datname, 'throwaway_')";
        for row in self.client.query(left, &[]).await? {
            let name: String = row.get(0);
            if self.try_lock("holding", &name).await? {
                self.drop_database(&name).await?;
                self.unlock("holding", &name).await?;
            }
        }
        let name = format!("throwaway_{}", uuid::Uuid::now_v7().simple());
        anyhow::ensure!(self.try_lock("holding", &name).await?, "{name} is held by another");
        self.clone_database(template, &name).await?;
        let url = self.url_of(&name);
        Ok((self.client, url))
    }

    async fn clone_database(&self, template: &str, name: &str) -> anyhow::Result<()> {
        self.drop_database(name).await?;
        let clone = format!("create database {name} template {template}");
        loop {
            match self.client.batch_execute(&clone).await {
                // A session on the template, which is about to end.
                Err(error) if error.code().is_some_and(|code| code.code() == "55006") => {
                    tokio::time::sleep(POLL).await;
                }
                result => return Ok(result?),
            }
        }
    }

    async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        if self.is_template(name).await? {
            self.client.batch_execute(&format!("alter database {name} is_template false")).await?;
        }
        let drop = format!("drop database if exists {name} with (force)");
        Ok(self.client.batch_execute(&drop).await?)
    }

    async fn exists(&self, name: &str) -> anyhow::Result<bool> {
        let query = "select from pg_database where datname = $1";
        Ok(self.client.query_opt(query, &[&name]).await?.is_some())
    }

    async fn is_template(&self, name: &str) -> anyhow::Result<bool> {
        let query = "select from pg_database where datname = $1 and datistemplate";
        Ok(self.client.query_opt(query, &[&name]).await?.is_some())
    }

    async fn mark_of(&self, template: &str) -> anyhow::Result<String> {
        let query = "select coalesce(shobj_description(oid, 'pg_database'), '') \
                     from pg_database where datname = $1";
        Ok(self.client.query_one(query, &[&template]).await?.get(0))
    }

    async fn try_lock(&self, what: &str, name: &str) -> anyhow::Result<bool> {
        let query = "select pg_try_advisory_lock(hashtextextended($1 || $2, 0))";
        Ok(self.client.query_one(query, &[&what, &name]).await?.get(0))
    }

    async fn unlock(&self, what: &str, name: &str) -> anyhow::Result<()> {
        let query = "select pg_advisory_unlock(hashtextextended($1 || $2, 0))";
        self.client.query_one(query, &[&what, &name]).await?;
        Ok(())
    }

    fn url_of(&self, database: &str) -> String {
        let server = self.url.rsplit_once('/').unwrap().0;
        format!("{server}/{database}")
    }
}

async fn client(url: &str) -> anyhow::Result<Client> {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(driver);
    Ok(client)
}

/// Migrates a database. That blocks, which the runtime of a test may not allow.
async fn migrate(url: String) -> anyhow::Result<()> {
    let migrating = move || tokio::runtime::Runtime::new()?.block_on(migrate::run(&url));
    tokio::task::spawn_blocking(migrating).await??;
    Ok(())
}

/// What names a version of the migrations: the text of all of them.
fn migrations_digest() -> anyhow::Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut digest = Sha256::new();
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path().join("up.sql")))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        digest.update(fs::read(file)?);
    }
    // What this file does to a template counts as well.
    digest.update(MARK);
    digest.update(WIPE);
    Ok(hex::encode(digest.finalize()))
}

async fn mark(client: &Client) -> anyhow::Result<String> {
    Ok(client.query_one(MARK, &[]).await?.get(0))
}

/// Changes whenever the schema does: a clone has the object ids of its template.
const MARK: &str = "
    select md5(string_agg(concat_ws(':', kind, amount, ids), ',' order by kind)) from (
        select 1 as kind, count(*) as amount, sum(oid::bigint) as ids
            from pg_class where oid >= 16384
        union all select 2, count(*), sum(oid::bigint) from pg_type where oid >= 16384
        union all select 3, count(*), sum(oid::bigint) from pg_constraint where oid >= 16384
        union all select 4, count(*), sum(oid::bigint) from pg_proc where oid >= 16384
        union all select 5, count(*), sum(oid::bigint) from pg_trigger where oid >= 16384
        union all select 6, count(*), sum(oid::bigint) from pg_enum
        union all select 7, count(*), sum(oid::bigint) from pg_attrdef
        union all select 8, count(*), sum(attrelid::bigint * attnum)
            from pg_attribute where attrelid >= 16384 and not attisdropped
    ) as kinds";

/// Deletes every row, and sets every used sequence back. Migrations leave no rows of their own but
/// the list of themselves; `a_lease_is_like_a_new_clone` proves it.
const WIPE: &str = "
    do $$
    declare
        name regclass;
        start bigint;
    begin
        set local session_replication_role = replica;
        for name in
            select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and c.relname <> '__diesel_schema_migrations'
                and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        loop
            execute format('delete from %s', name);
        end loop;
        for name, start in
            select seqrelid::regclass, seqstart from pg_sequence
            where pg_sequence_last_value(seqrelid) is not null
        loop
            perform setval(name, start, false);
        end loop;
    end
    $$";

/// Every row of every table, and every sequence, as text.
const CONTENT: &str = "
    select database_to_xml(true, false, '')::text
        || coalesce((select string_agg(concat(seqrelid::regclass, '=',
            pg_sequence_last_value(seqrelid)), ',' order by seqrelid) from pg_sequence), '')";

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_like_a_new_clone() {
    let (leased, fresh) = (TestDb::new().await, TestDb::fresh().await);
    let content = async |db: &TestDb| -> String {
        client(db.url()).await.unwrap().query_one(CONTENT, &[]).await.unwrap().get(0)
    };
    // The document begins with the database's name.
    let name = |db: &TestDb| db.url().rsplit_once('/').unwrap().1.to_owned();
    assert_eq!(
        content(&leased).await.replace(&name(&leased), ""),
        content(&fresh).await.replace(&name(&fresh), "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_schema_was_changed_is_made_anew() {
    let db = TestDb::new().await;
    let before = client(db.url()).await.unwrap();
    before.batch_execute("create table stray (id integer)").await.unwrap();
    let (url, admin) = (db.url().to_owned(), Admin::connect().await.unwrap());
    let template = admin.template().await.unwrap();
    assert!(!admin.wipe(&url, &template).await.unwrap());
}
