//! Element types of the kernels, and tensors as slices.

use burn::backend::Element;
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use num_traits::Float;

/// An element type that has kernels.
pub trait Real:
    Float + Element + bytemuck::Pod + Send + Sync + std::iter::Sum + std::ops::AddAssign
{
    /// `exp`, in a form that vectorizes where there is one. 0 far below the smallest normal result.
    fn exponential(self) -> Self;

    /// The nearest value.
    fn of(value: f64) -> Self;
}

impl Real for f32 {
    /// Range reduction by ln 2 in two parts and a polynomial of degree 6 (the Cephes library's `expf`); within
    /// 2 units in the last place.
    #[inline(always)]
    fn exponential(self) -> Self {
        const LOWEST: f32 = -87.336;
        const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to an integer
        let x = self.clamp(LOWEST, 88.02);
        let n = x * std::f32::consts::LOG2_E + ROUND;
        let exponent = n.to_bits() << 23; // the integer's low bits, moved into a float's exponent
        let n = n - ROUND;
        let r = x - n * 0.693_359_4;
        let r = r + n * 2.121_944_4e-4;
        let mut p = 1.987_569_1e-4f32;
        p = p * r + 1.398_2e-3;
        p = p * r + 8.333_452e-3;
        p = p * r + 4.166_579_6e-2;
        p = p * r + 1.666_666_5e-1;
        p = p * r + 0.5;
        let p = p * r * r + r + 1.0;
        let result = f32::from_bits(p.to_bits().wrapping_add(exponent));
        if self < LOWEST {
            0.0
        } else if self.is_nan() {
            self
        } else {
            result
        }
    }

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
}

impl Real for f64 {
    #[inline(always)]
    fn exponential(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
}

/// Compiles `work` for the widest vectors that the processor has.
#[inline(always)]
pub fn vectorized<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// A sum in sixteen independent lanes, which vectorizes; the order of additions is fixed.
#[inline(always)]
pub fn sum<R: Real>(length: usize, term: impl Fn(usize) -> R) -> R {
    const LANES: usize = 16;
    let mut lanes = [R::zero(); LANES];
    let whole = length / LANES * LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
        start += LANES;
    }
    let mut total = R::zero();
    for lane in lanes {
        total += lane;
    }
    for index in whole..length {
        total += term(index);
    }
    total
}

/// The tensor with its elements in row-major order.
pub fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The tensor in row-major order and with a storage of its own size, as in-place writes need it.
pub fn whole(tensor: FlexTensor) -> FlexTensor {
    let tensor = contiguous(tensor);
    let elements = tensor.layout().num_elements();
    let whole = tensor.layout().start_offset() == 0
        && tensor.bytes().len() == elements * tensor.dtype().size();
    if whole {
        tensor
    } else {
        FlexTensor::from_data(tensor.into_data())
    }
}

/// The elements of a tensor that went through [`contiguous`].
pub fn elements<R: Real>(tensor: &FlexTensor) -> &[R] {
    let storage = tensor.storage::<R>();
    match tensor.layout().contiguous_offsets() {
        Some((start, end)) => &storage[start..end],
        None => unreachable!("a contiguous tensor has contiguous offsets"),
    }
}

/// The elements of an index tensor.
pub fn indices(tensor: FlexTensor) -> Vec<usize> {
    let tensor = contiguous(tensor);
    let (start, end) = tensor.layout().contiguous_offsets().unwrap_or_default();
    match tensor.dtype() {
        DType::I32 => tensor.storage::<i32>()[start..end]
            .iter()
            .map(|&index| index as usize)
            .collect(),
        _ => tensor.storage::<i64>()[start..end]
            .iter()
            .map(|&index| index as usize)
            .collect(),
    }
}

/// A tensor of these elements.
pub fn tensor<R: Real>(elements: Vec<R>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(elements),
        Layout::contiguous(shape.into()),
        R::dtype(),
    )
}
