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

/// How many of a machine's `cores` this process is to use: its share, unless the launcher gave each process cores of its own.
pub fn share_of_cores(cores: usize) -> usize {
    share_by(cores, &variable)
}

fn share_by(cores: usize, variable: &dyn Fn(&str) -> Option<String>) -> usize {
    let bound = number(variable, "OMPI_MCA_orte_bound_at_launch") == Some(1)
        || variable("SLURM_CPUS_PER_TASK").is_some();
    let processes = LOCAL_SIZES.iter().find_map(|name| number(variable, name));
    match processes {
        Some(processes) if !bound => (cores / processes.max(1)).max(1),
        _ => cores,
    }
}

/// The device of this process where the first one was asked for `asked`: of several cards each process takes its own.
pub fn local_device(asked: &str) -> String {
    device_by(asked, &variable)
}

fn device_by(asked: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let local = LOCAL_RANKS.iter().find_map(|name| number(variable, name));
    match (asked, local) {
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
    fn processes_share_cores_that_the_launcher_has_not_divided() {
        let two = ("OMPI_COMM_WORLD_LOCAL_SIZE", "2");
        assert_eq!(share_by(8, &set(&[])), 8);
        assert_eq!(share_by(8, &set(&[two])), 4);
        assert_eq!(share_by(1, &set(&[two])), 1);
        let bound = ("OMPI_MCA_orte_bound_at_launch", "1");
        assert_eq!(share_by(1, &set(&[two, bound])), 1);
        assert_eq!(share_by(8, &set(&[two, bound])), 8);
        let slurm = [("LOCAL_WORLD_SIZE", "2"), ("SLURM_CPUS_PER_TASK", "4")];
        assert_eq!(share_by(4, &set(&slurm)), 4);
    }

    #[test]
    fn every_process_takes_a_card_of_its_own() {
        let third = set(&[("SLURM_LOCALID", "2")]);
        assert_eq!(device_by("cuda", &third), "cuda:2");
        assert_eq!(device_by("cuda:5", &third), "cuda:5");
        assert_eq!(device_by("cpu", &third), "cpu");
        assert_eq!(device_by("cuda", &set(&[])), "cuda");
    }
}
