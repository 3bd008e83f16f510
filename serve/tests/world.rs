//! A world's tools over HTTP are the world's tools.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::time::Duration;

use glpft_agent::{
    HttpSettings, RapidApi, Rollout, RolloutSettings, SearchSettings, Strategy, Task, ToolServer,
    VirtualApi, run_rollouts,
};
use glpft_serve::{Catalogue, ToolsSettings};
use glpft_world::{Manner, Oracle, Size, World};
use support::Server;

fn rollouts(world: &World, tools: &dyn ToolServer, tasks: &[Task]) -> Vec<Rollout> {
    let mut oracle = Oracle::new(world, Manner::Careful, 1);
    let settings = RolloutSettings::new(SearchSettings::published(Strategy::DFSDT));
    run_rollouts(&mut oracle, tools, tasks, &settings, &mut ()).unwrap()
}

#[test]
fn an_oracle_gets_the_same_over_http_as_in_process() {
    let world = World::new(5, Size::tiny());
    let tests = &world.tasks()[world.training().len()..];
    let tasks: Vec<Task> = tests.iter().map(|one| one.task.clone()).collect();
    let catalogue = Catalogue::new(world.apis().map(|api| (api.clone(), None)));
    let served = World::new(5, Size::tiny());
    let server = Server::tools(ToolsSettings::default(), catalogue, served);
    let once = HttpSettings {
        attempts: 1,
        timeout: Duration::from_secs(20),
        ..HttpSettings::default()
    };
    let address = format!("http://{}", server.address);
    let clients: [Box<dyn ToolServer>; 2] = [
        Box::new(VirtualApi::open(&address, once.clone()).unwrap()),
        Box::new(RapidApi::open(&address, once).unwrap()),
    ];
    let here = rollouts(&world, &world, &tasks);
    assert!(here.iter().any(|one| one.path.len() > 3));
    for client in clients {
        let there = rollouts(&world, client.as_ref(), &tasks);
        for (here, there) in here.iter().zip(&there) {
            let told = |one: &Rollout| {
                let steps = one.path.iter();
                let steps: Vec<_> = steps
                    .map(|step| (step.said.function.clone(), step.code))
                    .collect();
                (one.end.clone(), steps)
            };
            assert_eq!(told(here), told(there), "{here:#?}\n{there:#?}");
        }
    }
}
