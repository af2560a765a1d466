//! Users: those whom tokens brought, and those who log in by name.

use domain::ports::Credentials;
use domain::words::{Account, Author, NewAccount, Role, UserId};

use super::rows::AccountRow;
use crate::engine::{Engine, Sql, Value};
use crate::failure::Failure;

/// The columns of [`AccountRow`].
macro_rules! account_columns {
    () => {
        "id, id_numeric, username, role, disabled_at IS NOT NULL AS disabled,
         password_hash IS NOT NULL AS registered"
    };
}

const FIND: Sql = Sql::same(concat!("SELECT ", account_columns!(), " FROM users WHERE id = $1"));

/// Makes a user of whom only a token is known, or notes what their newest token calls them.
const RECORD: Sql = Sql::same(
    "INSERT INTO users (id, id_numeric, username, role) VALUES ($1, $2, coalesce($3, $1), $4)
     ON CONFLICT (id) DO UPDATE
     SET id_numeric = excluded.id_numeric, username = coalesce($3, users.username)
     WHERE users.password_hash IS NULL",
);

const REGISTER: Sql = Sql::same(concat!(
    "INSERT INTO users (id, id_numeric, username, email, password_hash, login) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (login) DO NOTHING RETURNING ",
    account_columns!()
));

const CREDENTIALS: Sql = Sql::same(concat!(
    "SELECT ",
    account_columns!(),
    ", password_hash FROM users WHERE login = $1 AND password_hash IS NOT NULL"
));

#[derive(Debug, sqlx::FromRow)]
struct CredentialsRow {
    #[sqlx(flatten)]
    account: AccountRow,
    password_hash: String,
}

/// The name to log in by, whatever its case: folded here, since databases differ in what they take for a letter.
fn fold(name: &str) -> String {
    name.to_lowercase()
}

pub(super) async fn find<E: Engine>(
    on: &mut E::Connection,
    user: &UserId,
) -> Result<Option<AccountRow>, Failure> {
    E::row(on, FIND, &[Value::Text(user.as_str())]).await
}

/// Writes down what a token says, unless the user logs in by name, and returns what stands there then.
pub(super) async fn record<E: Engine>(
    on: &mut E::Connection,
    who: &Author,
    role: Role,
) -> Result<Option<AccountRow>, Failure> {
    let values = [
        Value::Text(who.user.as_str()),
        Value::Flag(who.user.is_numeric()),
        Value::OptionalText(who.name.as_deref()),
        Value::Text(role.as_str()),
    ];
    E::execute(on, RECORD, &values).await?;
    find::<E>(on, &who.user).await
}

pub(super) async fn register<E: Engine>(
    on: &mut E::Connection,
    account: &NewAccount,
) -> Result<Option<Account>, Failure> {
    let login = fold(&account.name);
    let values = [
        Value::Text(account.user.as_str()),
        Value::Flag(account.user.is_numeric()),
        Value::Text(&account.name),
        Value::OptionalText(account.email.as_deref()),
        Value::Text(&account.password_hash),
        Value::Text(&login),
    ];
    let made: Option<AccountRow> = E::row(on, REGISTER, &values).await?;
    Ok(made.map(AccountRow::into_account).transpose()?)
}

pub(super) async fn credentials<E: Engine>(
    on: &mut E::Connection,
    name: &str,
) -> Result<Option<Credentials>, Failure> {
    let found: Option<CredentialsRow> = E::row(on, CREDENTIALS, &[Value::Text(&fold(name))]).await?;
    let Some(row) = found else { return Ok(None) };
    let (account, password_hash) = (row.account.into_account()?, row.password_hash);
    Ok(Some(Credentials { account, password_hash }))
}
