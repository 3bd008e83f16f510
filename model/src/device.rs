//! The device that computes, by the name that users give it.

use burn::tensor::Device;

use crate::error::ModelError;

/// The device of a name: `cpu`, `cuda`, `cuda:N`, `wgpu` or `wgpu:N`.
///
/// # Errors
/// The name is unknown, the build lacks the device, or the machine does.
pub fn device(name: &str) -> Result<Device, ModelError> {
    let unknown = || ModelError::UnknownDevice(name.to_owned());
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, Some(index.parse::<usize>().map_err(|_| unknown())?)),
        None => (name, None),
    };
    match (kind, index) {
        ("cpu", None) => Ok(Device::flex()),
        ("cuda", index) => cuda(name, index),
        ("wgpu", index) => wgpu(name, index),
        _ => Err(unknown()),
    }
}

/// The names of all devices of a kind that this machine has: `cuda:0`, `cuda:1` for `cuda`. A name with a number, and `cpu`, name
/// one.
///
/// # Errors
/// As [`device`], of the first of them.
pub fn devices(kind: &str) -> Result<Vec<String>, ModelError> {
    device(kind)?;
    let count = count(kind);
    Ok(match count {
        0 | 1 => vec![kind.to_owned()],
        count => (0..count).map(|index| format!("{kind}:{index}")).collect(),
    })
}

/// How many devices of a kind there are; 1 where the name means one.
fn count(kind: &str) -> usize {
    match kind {
        #[cfg(feature = "cuda")]
        "cuda" => Device::enumerate(burn::tensor::DeviceType::Cuda)
            .into_vec()
            .len(),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::enumerate(burn::tensor::DeviceType::Wgpu)
            .into_vec()
            .len(),
        _ => 1,
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(name: &str, _index: Option<usize>) -> Result<Device, ModelError> {
    Err(ModelError::NotBuilt {
        device: name.to_owned(),
        feature: "cuda",
    })
}

#[cfg(feature = "cuda")]
fn cuda(name: &str, index: Option<usize>) -> Result<Device, ModelError> {
    // Without the driver's library the backend panics deep inside; its absence is found out here.
    const DRIVER: &str = if cfg!(windows) {
        "nvcuda.dll"
    } else {
        "libcuda.so.1"
    };
    // SAFETY: loading the driver's library runs its initializers, as using the device would.
    if let Err(error) = unsafe { libloading::Library::new(DRIVER) } {
        return Err(ModelError::NoDevice {
            device: name.to_owned(),
            reason: format!(
                "the NVIDIA driver cannot be loaded ({error}); install it, or use --device cpu"
            ),
        });
    }
    usable(name, move || Device::cuda(index.unwrap_or(0)))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(name: &str, _index: Option<usize>) -> Result<Device, ModelError> {
    Err(ModelError::NotBuilt {
        device: name.to_owned(),
        feature: "wgpu",
    })
}

#[cfg(feature = "wgpu")]
fn wgpu(name: &str, index: Option<usize>) -> Result<Device, ModelError> {
    use burn::tensor::{DeviceKind, DeviceType};
    let mut devices = Device::enumerate(DeviceType::Wgpu).into_vec();
    let none = |reason: String| ModelError::NoDevice {
        device: name.to_owned(),
        reason,
    };
    // Without a driver the backend panics deep inside; its absence is found out here.
    if devices.is_empty() {
        let reason =
            "no driver for Vulkan, Metal or DirectX was found; install one, or use --device cpu";
        return Err(none(reason.to_owned()));
    }
    let Some(index) = index else {
        return usable(name, || Device::wgpu(DeviceKind::DefaultDevice));
    };
    if index >= devices.len() {
        let last = devices.len() - 1;
        return Err(none(format!("the last such device is wgpu:{last}")));
    }
    let chosen = devices.swap_remove(index);
    usable(name, move || chosen)
}

/// Runs one operation on the device, so that one that cannot be opened is found out before anything is loaded.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn usable(
    name: &str,
    open: impl FnOnce() -> Device + Send + 'static,
) -> Result<Device, ModelError> {
    let opened = std::thread::spawn(move || {
        let device = open();
        let one = burn::tensor::Tensor::<1>::ones([1], &device).try_into_data();
        one.map(|_| device).map_err(|error| error.to_string())
    });
    let reason = match opened.join() {
        Ok(Ok(device)) => return Ok(device),
        Ok(Err(error)) => error,
        Err(panic) => panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no device of this kind was found")
            .to_owned(),
    };
    Err(ModelError::NoDevice {
        device: name.to_owned(),
        reason: format!("{reason}; use --device cpu"),
    })
}
