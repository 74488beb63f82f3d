//! zpool(8): cmd/zpool/zpool_main.c. Only `list` of some properties of one pool is simulated.

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

/// Runs `zpool list [-Hp] [-o name,health,capacity] [POOL ...]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = call.words();
    let Some(rest) = words
        .split_first()
        .filter(|(command, _)| *command == "list")
    else {
        panic!("not simulated: {words:?}");
    };
    let words = match Words::parse(rest.1, "gHjLo:pPT:v") {
        Ok(words) => words,
        Err(error) => return Answer::fail(2, error.to_string()),
    };
    assert!(words.has("H"), "not simulated: a table with headings");
    let columns = words.last("o").unwrap_or("name,health,capacity");
    let mut answer = Answer::ok();
    for pool in &words.operands {
        if !host.state.pools.contains_key(pool) {
            return Answer::fail(1, format!("cannot open '{pool}': no such pool"));
        }
        let ailing = host.state.ailing_pools.get(pool);
        let (health, used) = ailing.map_or(("ONLINE", 12), |(health, used)| (health, *used));
        let cells = columns.split(',').map(|column| match column {
            "name" => pool.clone(),
            "health" => health.to_owned(),
            "capacity" if words.has("p") => used.to_string(),
            "capacity" => format!("{used}%"),
            other => panic!("not simulated: {other}"),
        });
        let cells: Vec<String> = cells.collect();
        answer = answer.and_out(format!("{}\n", cells.join("\t")));
    }
    answer
}
