//! What launchers of several processes (`mpirun`, `srun`, and those that set torchrun's variables) tell each process.

/// Variables that tell how many processes there are: Open MPI's, MPICH's and its kin's, torchrun's.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE"];
/// Variables that tell a process its number among those on its machine.
const LOCAL_RANKS: [&str; 4] = [
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "MPI_LOCALRANKID",
    "SLURM_LOCALID",
    "LOCAL_RANK",
];
/// Variables that tell how many processes are on its machine.
const LOCAL_SIZES: [&str; 3] = [
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "LOCAL_WORLD_SIZE",
];

/// Processes that a launcher started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// How many; more than one.
    pub processes: usize,
    /// The variable that says so.
    pub variable: &'static str,
}

/// The processes of which this one is one; none where it was started alone.
pub fn launched() -> Option<Launched> {
    launched_by(&variable)
}

fn launched_by(variable: &dyn Fn(&str) -> Option<String>) -> Option<Launched> {
    let several = |name: &'static str| {
        let processes = number(variable, name).filter(|&processes| processes > 1)?;
        Some(Launched {
            processes,
            variable: name,
        })
    };
    let launched = SIZES.iter().find_map(|&name| several(name));
    // A batch script of Slurm's is told of tasks that are not started yet; what `srun` starts is a step, with a number.
    let step = || variable("SLURM_STEP_ID").and_then(|_| several("SLURM_STEP_NUM_TASKS"));
    launched.or_else(step)
}

/// How many of the `usable` cores this process is to compute with: a launcher may have started several on this machine.
pub fn share_of_cores(usable: usize) -> usize {
    share_by(usable, cores(), &variable)
}

/// A machine's cores.
#[derive(Clone, Copy)]
struct Cores {
    /// All of them.
    all: usize,
    /// Those that this process may run on; fewer are `usable` where a control group's quota says so.
    allowed: usize,
}

#[cfg(target_os = "linux")]
fn cores() -> Option<Cores> {
    // SAFETY: it only reads a number.
    let all = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    // SAFETY: a set of bits, all of them zero.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the size is that of the set, which is written to.
    let failed = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    // SAFETY: the set was written whole.
    let allowed = unsafe { libc::CPU_COUNT(&set) };
    let (all, allowed) = (usize::try_from(all).ok()?, usize::try_from(allowed).ok()?);
    (failed == 0 && all > 0 && allowed > 0).then_some(Cores { all, allowed })
}

#[cfg(not(target_os = "linux"))]
fn cores() -> Option<Cores> {
    None
}

fn share_by(
    usable: usize,
    cores: Option<Cores>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> usize {
    let Some(processes) = LOCAL_SIZES.iter().find_map(|name| number(variable, name)) else {
        return usable;
    };
    match cores {
        // A launcher binds a process to a core, or several of them to a socket: no more than an equal share of the machine.
        Some(cores) if usable >= cores.allowed => usable.min((cores.all / processes.max(1)).max(1)),
        // A quota is one for all of them.
        _ => (usable / processes.max(1)).max(1),
    }
}

/// The device of this process where the first one was asked for `asked`: of several cards each process takes its own.
pub fn local_device(asked: &str) -> String {
    device_by(asked, &variable)
}

fn device_by(asked: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let local = LOCAL_RANKS.iter().find_map(|name| number(variable, name));
    // A launcher that shows each process its own card alone numbers it 0.
    let shown = variable("CUDA_VISIBLE_DEVICES").map(|shown| shown.split(',').count());
    match (asked, local) {
        ("cuda", Some(_)) if shown == Some(1) => asked.to_owned(),
        ("cuda" | "wgpu", Some(local)) => format!("{asked}:{local}"),
        _ => asked.to_owned(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<usize> {
    variable(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        move |name| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        }
    }

    #[test]
    fn several_processes_are_told_by_their_launcher() {
        let of = |variables: &[(&str, &str)]| {
            launched_by(&set(variables)).map(|launched| (launched.processes, launched.variable))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("WORLD_SIZE", "1")]), None);
        assert_eq!(of(&[("WORLD_SIZE", "many")]), None);
        let open_mpi = [("OMPI_COMM_WORLD_SIZE", "4")];
        assert_eq!(of(&open_mpi), Some((4, "OMPI_COMM_WORLD_SIZE")));
        // A batch script alone is one process, whatever it asked for.
        assert_eq!(of(&[("SLURM_NTASKS", "8")]), None);
        assert_eq!(of(&[("SLURM_STEP_NUM_TASKS", "8")]), None);
        let step = [("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "8")];
        assert_eq!(of(&step), Some((8, "SLURM_STEP_NUM_TASKS")));
    }

    #[test]
    fn processes_share_the_cores_of_a_machine() {
        let two = set(&[("OMPI_COMM_WORLD_LOCAL_SIZE", "2")]);
        let machine = |all, allowed| Some(Cores { all, allowed });
        assert_eq!(share_by(8, machine(8, 8), &set(&[])), 8);
        // Not bound, bound to a core, bound to one of four sockets that both of them share.
        assert_eq!(share_by(8, machine(8, 8), &two), 4);
        assert_eq!(share_by(1, machine(8, 1), &two), 1);
        assert_eq!(share_by(4, machine(16, 4), &two), 4);
        let eight = set(&[("OMPI_COMM_WORLD_LOCAL_SIZE", "8")]);
        assert_eq!(share_by(4, machine(16, 4), &eight), 2);
        // A container's quota of four, on a machine of 64.
        assert_eq!(share_by(4, machine(64, 64), &two), 2);
        assert_eq!(share_by(1, None, &two), 1);
    }

    #[test]
    fn every_process_takes_a_card_of_its_own() {
        let third = set(&[("SLURM_LOCALID", "2")]);
        assert_eq!(device_by("cuda", &third), "cuda:2");
        assert_eq!(device_by("cuda:5", &third), "cuda:5");
        assert_eq!(device_by("cpu", &third), "cpu");
        assert_eq!(device_by("cuda", &set(&[])), "cuda");
        let own = set(&[("SLURM_LOCALID", "2"), ("CUDA_VISIBLE_DEVICES", "5")]);
        assert_eq!(device_by("cuda", &own), "cuda");
    }
}
