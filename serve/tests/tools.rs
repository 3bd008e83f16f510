//! Both of ToolBench's contracts.

mod support;

use std::time::Duration;

use glpft_agent::{Api, Code, HttpSettings, RapidApi, ToolReply, ToolServer, VirtualApi};
use glpft_serve::{Catalogue, MAX_RESPONSE_CHARS, ToolsSettings};
use serde_json::{Value, json};
use support::{Server, agent, read};

struct Tools;

impl ToolServer for Tools {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        match api.name.as_str() {
            "Get Forecast" => ToolReply::new(
                "",
                json!({"city": arguments, "days": [{"rain": true, "wind": 1.50}], "more": null}),
            ),
            "long" => ToolReply::new("", "é".repeat(3000)),
            "busy" => ToolReply::new("Rate limit error...", ""),
            "broken" => ToolReply::failed(Code::RequestFailed, "request invalid"),
            _ => panic!("as asked"),
        }
    }
}

fn server(settings: ToolsSettings) -> Server {
    let api = |name: &str| Api {
        category: "Weather".to_owned(),
        tool: "Sky & Sea".to_owned(),
        name: name.to_owned(),
    };
    let schema = json!({"city": "", "days": [{"rain": true}]});
    let catalogue = Catalogue::new([
        (api("Get Forecast"), Some(schema)),
        (api("long"), None),
        (api("busy"), None),
        (api("broken"), None),
        (api("panics"), None),
    ]);
    Server::tools(settings, catalogue, Tools)
}

fn call(api: &str, input: Value, strip: &str) -> String {
    json!({"category": "Weather", "tool_name": "sky_sea", "api_name": api, "tool_input": input, "strip": strip, "toolbench_key": "k"})
        .to_string()
}

#[test]
fn both_contracts_reply_as_toolbench_does() {
    let server = server(ToolsSettings::default());
    for path in ["/rapidapi", "/virtual"] {
        let post = |body: String| server.post(path, &body);
        assert_eq!(
            post(call("get_forecast", json!("{\"a\": 1}"), "truncate")),
            (
                200,
                json!({"error": "", "response": "{'city': '{\"a\": 1}', 'days': [{'rain': True, 'wind': 1.5}], 'more': None}"})
            )
        );
        // Names as the server spells them, an object, and the keys of the schema alone.
        let raw = json!({"category": "Weather", "tool_name": "Sky & Sea_for_Weather", "api_name": "Get Forecast", "tool_input": {"a": 1}, "strip": "filter"});
        assert_eq!(
            post(raw.to_string()),
            (
                200,
                json!({"error": "", "response": "{'city': '{\"a\": 1}', 'days': [{'rain': True}]}"})
            )
        );
        let (_, long) = post(call("long", json!(""), ""));
        let text = long["response"].as_str().unwrap_or_default();
        assert_eq!(text.chars().count(), MAX_RESPONSE_CHARS);
        assert_eq!(
            post(call("busy", json!("{}"), "random")),
            (200, json!({"error": "Rate limit error...", "response": ""}))
        );
        assert_eq!(
            post(call("broken", json!("{}"), "")),
            (500, json!({"error": "request invalid", "response": ""}))
        );
        assert_eq!(post(call("panics", json!("{}"), "")).0, 500);
        let (status, unknown) = post(call("nothing", json!("{}"), ""));
        assert_eq!(
            (status, &unknown["error"]),
            (200, &json!("API not working error..."))
        );
        for body in ["{}", "[]", "", "{\"category\": 1}"] {
            let (status, error) = post(body.to_owned());
            assert!(status == 422 || status == 400, "{body}: {error}");
            assert_eq!(error["response"], "");
        }
        assert_eq!(post(call("busy", json!([1]), "")).0, 422);
    }
    // One call, one reply: also where ToolBench's server draws.
    let random =
        |city: &str| server.post("/rapidapi", &call("get_forecast", json!(city), "random"));
    let replies: Vec<(u16, Value)> = (0..16).map(|city| random(&city.to_string())).collect();
    let filtered = replies
        .iter()
        .filter(|(_, reply)| !reply.to_string().contains("more"))
        .count();
    assert!((1..16).contains(&filtered), "{filtered}");
    for (city, reply) in replies.iter().enumerate() {
        assert_eq!(&random(&city.to_string()), reply);
    }
    assert_eq!(server.get("/").0, 404);
    assert!(server.get("/health").1.contains("\"apis\":5"));
    assert!(server.end().is_ok());
}

#[test]
fn our_own_clients_are_served() {
    let server = server(ToolsSettings::default());
    let address = format!("http://{}", server.address);
    let settings = HttpSettings {
        backoff: Duration::from_millis(5),
        ..HttpSettings::default()
    };
    let rapid = RapidApi::open(&address, settings.clone()).expect("an address");
    let stable = VirtualApi::open(&address, settings).expect("an address");
    let clients: [&dyn ToolServer; 2] = [&rapid, &stable];
    for client in clients {
        let call = |name: &str, arguments: &str| {
            let api = Api {
                category: "Weather".to_owned(),
                tool: "sky_sea".to_owned(),
                name: name.to_owned(),
            };
            client.call(&api, arguments)
        };
        let reply = call("get_forecast", "{\"a\": 1}");
        assert_eq!((reply.code, reply.error.as_str()), (Code::Replied, ""));
        let expected =
            "{'city': '{\"a\": 1}', 'days': [{'rain': True, 'wind': 1.5}], 'more': None}";
        assert_eq!(reply.response, expected);
        assert_eq!(call("busy", "{}").code, Code::RateLimit);
        assert_eq!(call("broken", "{}").code, Code::RequestFailed);
        assert_eq!(call("nothing", "{}").code, Code::NotWorking);
    }
    assert!(server.end().is_ok());
}

#[test]
fn a_key_is_asked_for_in_the_header_or_the_body() {
    let server = server(ToolsSettings {
        key: Some("right".to_owned()),
        ..ToolsSettings::default()
    });
    let body = call("long", json!("{}"), "");
    let unauthorized = (
        200,
        json!({"error": "Unauthorized error...", "response": ""}),
    );
    assert_eq!(server.post("/rapidapi", &body), unauthorized);
    let with_header = agent()
        .post(server.url("/virtual"))
        .header("content-type", "application/json")
        .header("toolbench_key", "right")
        .send(&body);
    assert_eq!(read(with_header.expect("an answer")).1["error"], "");
    let with_body = body.replace("\"k\"", "\"right\"");
    assert_eq!(server.post("/rapidapi", &with_body).1["error"], "");
}
