//! Redis addresses as operators write them: standalone, Sentinel and Cluster, several hosts separated by commas.

use domain::ports::PortError;
use fred::types::config::Config;

/// The client's configuration for a URL.
///
/// `redis://h`, `rediss://h` · `redis-cluster://h1:p,h2:p` · `redis-sentinel://h1:p,h2:p/SERVICE` (default `mymaster`).
pub(super) fn config(url: &str) -> Result<Config, PortError> {
    let mut config = Config::from_url(&client_url(url))
        .map_err(|error| PortError::Unavailable(format!("redis.url is not usable: {}", error.details())))?;
    config.version = fred::types::RespVersion::RESP3;
    config.fail_fast = true;
    Ok(config)
}

/// Whether the shards may lie on several servers.
pub(super) fn is_cluster(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.ends_with("-cluster"))
}

/// The address for messages to people: without user and password.
pub(super) fn address(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}

/// Several hosts in the authority become the client's own form: the first host, the others as `node` parameters.
fn client_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, tail) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (credentials, hosts) =
        authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let (path, query) = tail.split_once('?').map_or((tail, ""), |(path, query)| (path, query));
    let mut hosts = hosts.split(',');
    let first = hosts.next().unwrap_or_default();
    let mut parameters: Vec<String> = hosts.map(|host| format!("node={host}")).collect();
    parameters.extend((!query.is_empty()).then(|| query.to_owned()));
    let mut path = path.to_owned();
    if scheme.ends_with("-sentinel") && !query.contains("sentinelServiceName") {
        let service = path.trim_start_matches('/');
        let service = if service.is_empty() { "mymaster" } else { service };
        parameters.push(format!("sentinelServiceName={service}"));
        path = String::new();
    }
    let at = if credentials.is_empty() { String::new() } else { format!("{credentials}@") };
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    format!("{scheme}://{at}{first}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_url_becomes_the_clients_own() {
        let table = [
            ("redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379/2"),
            ("redis://u:p@h:1", "redis://u:p@h:1"),
            ("redis-cluster://a:1,b:2,c:3", "redis-cluster://a:1?node=b:2&node=c:3"),
            ("redis-cluster://a:1?node=b:2", "redis-cluster://a:1?node=b:2"),
            ("redis-sentinel://a:1,b:2/main", "redis-sentinel://a:1?node=b:2&sentinelServiceName=main"),
            ("redis-sentinel://u:p@a:1", "redis-sentinel://u:p@a:1?sentinelServiceName=mymaster"),
            ("redis-sentinel://a:1?sentinelServiceName=x", "redis-sentinel://a:1?sentinelServiceName=x"),
        ];
        for (url, expected) in table {
            assert_eq!(client_url(url), expected);
            assert!(config(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn the_address_for_people_has_no_password() {
        assert_eq!(address("redis://user:secret@h:1/0"), "h:1");
        assert_eq!(address("redis-cluster://a:1,b:2?node=c"), "a:1,b:2");
    }
}
