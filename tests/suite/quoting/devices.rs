//! The devices for which a plan waits.

use serde_json::Value;
use std::fs;
use std::path::Path;

/// Makes each device for which a plan waits: the programs in this test make nothing.
pub(super) fn make(plan: &Value) {
    match plan {
        Value::Object(map) => {
            let waited = map.get("wait").map(|wait| &wait["until"]["exists"]);
            if let Some(device) = waited.and_then(Value::as_str).map(Path::new) {
                fs::create_dir_all(device.parent().unwrap()).unwrap();
                fs::write(device, "").unwrap();
            }
            map.values().for_each(make);
        }
        Value::Array(values) => values.iter().for_each(make),
        _ => {}
    }
}
