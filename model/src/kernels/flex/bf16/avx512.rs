//! The product on processors with AVX-512 BF16.
//!
//! `vdpbf16ps` multiplies pairs: lane i of the sums gains `a₀·b₀ + a₁·b₁`, the pair being two neighbours in the inner
//! dimension. So both operands are laid out as pairs (two bf16 in 32 bits): the right one in panels of [`WIDTH`]
//! columns, for all threads; the left one a block of [`BLOCK`] rows at a time, by the thread that multiplies it.

use std::arch::x86_64::*;
use std::array::from_fn;
use std::cell::RefCell;
use std::mem::transmute;

use rayon::prelude::*;

use super::bits;
use crate::kernels::flex::matrix::Matrix;
use crate::kernels::flex::tile::{LANES, mask, store};

/// Rows of a tile, the part of the output whose sums are in registers: 24 of 32 hold sums.
const HEIGHT: usize = 12;
/// Columns of a tile.
const WIDTH: usize = 32;
/// Rows of the output that a thread works on at a time; their pairs stay in the second-level cache.
const BLOCK: usize = 96;
/// Most pairs of the inner dimension summed up before a tile is written: a tile's rows stay in the first-level cache.
const DEPTH: usize = 384;

/// Whether the processor has what [`multiply`] needs.
pub fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bf16")
}

/// See [`super::multiply`]; sizes are checked there, and none is 0. Each matrix has neighbours side by side in one of its
/// dimensions.
pub fn multiply(
    output: &mut [f32],
    stride: usize,
    left: Matrix<'_, f32>,
    right: Matrix<'_, f32>,
    add: bool,
    parallel: bool,
) {
    assert!(available());
    let pairs = left.columns.div_ceil(2);
    let panels = right.columns.div_ceil(WIDTH);
    let lay_out = |(index, panel): (usize, &mut [u32])| {
        // SAFETY: the processor has the instructions.
        unsafe { lay_out_panel(right, index * WIDTH, panel) }
    };
    let product = |panels: &[u32], block: &mut [u32], index: usize, output: &mut [f32]| {
        let row = index * BLOCK;
        let rows = BLOCK.min(left.rows - row);
        // SAFETY: the processor has the instructions.
        let left = unsafe { lay_out_block(left, row, rows, block, pairs) };
        multiply_block(output, stride, left, rows, panels, right.columns, add);
    };
    let block_pairs = BLOCK.next_multiple_of(HEIGHT) * pairs;
    let blocks = left.rows.div_ceil(BLOCK);
    if parallel {
        let mut laid_out = vec![0u32; panels * pairs * WIDTH];
        let parts = laid_out.par_chunks_mut(pairs * WIDTH);
        parts.enumerate().for_each(lay_out);
        output
            .par_chunks_mut(BLOCK * stride)
            .take(blocks)
            .enumerate()
            .for_each_init(
                || vec![0u32; block_pairs],
                |block, (index, output)| product(&laid_out, block, index, output),
            );
    } else {
        // Small products come by the thousand: their room is used again.
        ROOM.with_borrow_mut(|room| {
            let right_pairs = panels * pairs * WIDTH;
            room.clear();
            room.resize(right_pairs + block_pairs, 0);
            let (laid_out, block) = room.split_at_mut(right_pairs);
            let parts = laid_out.chunks_mut(pairs * WIDTH);
            parts.enumerate().for_each(lay_out);
            let blocks = output.chunks_mut(BLOCK * stride).take(blocks);
            for (index, output) in blocks.enumerate() {
                product(laid_out, block, index, output);
            }
        });
    }
}

thread_local! {
    static ROOM: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// A block's rows of the output: `panels` is the whole right matrix of `columns` columns.
fn multiply_block(
    output: &mut [f32],
    stride: usize,
    left: Pairs<'_>,
    rows: usize,
    panels: &[u32],
    columns: usize,
    add: bool,
) {
    let pairs = panels.len() / WIDTH / columns.div_ceil(WIDTH);
    let depth = pairs.div_ceil(pairs.div_ceil(DEPTH));
    for from in (0..pairs).step_by(depth) {
        let depth = depth.min(pairs - from);
        for (panel, column) in (0..columns).step_by(WIDTH).enumerate() {
            let right = &panels[(panel * pairs + from) * WIDTH..][..depth * WIDTH];
            for row in (0..rows).step_by(HEIGHT) {
                let tile = Tile {
                    rows: HEIGHT.min(rows - row),
                    columns: WIDTH.min(columns - column),
                    stride,
                    add: add || from > 0,
                };
                let output = &mut output[row * stride + column..];
                // SAFETY: `multiply` asserted that the processor has the instructions.
                unsafe { tile.multiply(output, left.from(row, from), right) };
            }
        }
    }
}

/// A block of the left matrix as pairs.
#[derive(Clone, Copy)]
struct Pairs<'a> {
    pairs: &'a [u32],
    /// Between the same pair of two rows of a tile.
    row_step: usize,
    /// Between two pairs of a row.
    pair_step: usize,
    /// Between tiles.
    tile_step: usize,
}

impl<'a> Pairs<'a> {
    /// From the tile that begins at `row` (a multiple of [`HEIGHT`]) and from pair `pair` on.
    fn from(self, row: usize, pair: usize) -> Self {
        let start = row / HEIGHT * self.tile_step + pair * self.pair_step;
        Self {
            pairs: &self.pairs[start..],
            ..self
        }
    }
}

/// Part of the output that fits the registers.
struct Tile {
    rows: usize,
    columns: usize,
    /// Between rows of the output.
    stride: usize,
    /// Whether what stands there is added to.
    add: bool,
}

impl Tile {
    /// # Safety
    /// The processor has AVX-512 F and BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn multiply(&self, output: &mut [f32], left: Pairs<'_>, right: &[u32]) {
        let depth = right.len() / WIDTH;
        let reach = (HEIGHT - 1) * left.row_step + (depth - 1) * left.pair_step;
        assert!(reach < left.pairs.len());
        assert!((self.rows - 1) * self.stride + self.columns <= output.len());
        let mut sums = [[_mm512_setzero_ps(); 2]; HEIGHT];
        // SAFETY: reads of `left` are within `reach`, of `right` within its whole rows of WIDTH; writes are masked to
        // the tile, which lies within the output. Both were asserted.
        unsafe {
            let rows: [*const u32; HEIGHT] =
                from_fn(|row| left.pairs.as_ptr().add(row * left.row_step));
            let mut right = right.as_ptr();
            for pair in 0..depth {
                let low = transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.cast()));
                let high =
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.add(LANES).cast()));
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let one = _mm512_set1_epi32(*row.add(pair * left.pair_step) as i32);
                    let one = transmute::<__m512i, __m512bh>(one);
                    sums[0] = _mm512_dpbf16_ps(sums[0], one, low);
                    sums[1] = _mm512_dpbf16_ps(sums[1], one, high);
                }
                right = right.add(WIDTH);
            }
            let (rows, columns) = (self.rows, self.columns);
            store(sums, output, self.stride, rows, columns, self.add);
        }
    }
}

/// Columns `column..` of `right` as a panel, `[pairs, WIDTH]`; columns that are not there stay 0.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn lay_out_panel(right: Matrix<'_, f32>, column: usize, panel: &mut [u32]) {
    let columns = WIDTH.min(right.columns - column);
    if right.column_stride == 1 {
        for (pair, to) in panel.chunks_exact_mut(WIDTH).enumerate() {
            let [even, odd] = two_rows(right, 2 * pair, column, columns);
            // SAFETY: the caller's promise.
            unsafe { interleave(even, odd, to) };
        }
    } else {
        assert_eq!(right.row_stride, 1);
        let mut pairs = vec![0u32; right.rows.div_ceil(2)];
        for at in 0..columns {
            let start = (column + at) * right.column_stride;
            // SAFETY: the caller's promise.
            unsafe { pair_up(&right.elements[start..][..right.rows], &mut pairs) };
            for (to, &pair) in panel[at..].iter_mut().step_by(WIDTH).zip(&pairs) {
                *to = pair;
            }
        }
    }
}

/// `rows` rows of `left` from `row` on as pairs in `block`, the last tile's missing rows as 0.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn lay_out_block<'a>(
    left: Matrix<'_, f32>,
    row: usize,
    rows: usize,
    block: &'a mut [u32],
    pairs: usize,
) -> Pairs<'a> {
    let tile_step = HEIGHT * pairs;
    let tiles = rows.div_ceil(HEIGHT);
    let block = &mut block[..tiles * tile_step];
    if left.column_stride == 1 {
        for (at, to) in block.chunks_exact_mut(pairs).enumerate() {
            if at < rows {
                let start = (row + at) * left.row_stride;
                // SAFETY: the caller's promise.
                unsafe { pair_up(&left.elements[start..][..left.columns], to) };
            } else {
                to.fill(0);
            }
        }
        Pairs {
            pairs: block,
            row_step: pairs,
            pair_step: 1,
            tile_step,
        }
    } else {
        assert_eq!(left.row_stride, 1);
        for (tile, to) in block.chunks_exact_mut(tile_step).enumerate() {
            let at = tile * HEIGHT;
            for (pair, to) in to.chunks_exact_mut(HEIGHT).enumerate() {
                let rows = HEIGHT.min(rows - at);
                let [even, odd] = two_rows(left.transposed(), 2 * pair, row + at, rows);
                // SAFETY: the caller's promise.
                unsafe { interleave(even, odd, to) };
            }
        }
        Pairs {
            pairs: block,
            row_step: 1,
            pair_step: HEIGHT,
            tile_step,
        }
    }
}

/// `columns` elements from `column` on of a row and of the next, which is empty after the last.
fn two_rows<'a>(
    matrix: Matrix<'a, f32>,
    row: usize,
    column: usize,
    columns: usize,
) -> [&'a [f32]; 2] {
    [row, row + 1].map(|row| match row < matrix.rows {
        true => &matrix.elements[row * matrix.row_stride + column..][..columns],
        false => &[],
    })
}

/// Neighbours as pairs: `from[2i]` in the low half of `to[i]`, `from[2i + 1]` in the high half.
///
/// # Safety
/// The processor has AVX-512 F and BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn pair_up(from: &[f32], to: &mut [u32]) {
    assert_eq!(from.len().div_ceil(2), to.len());
    let (wide, rest) = from.as_chunks::<{ 2 * LANES }>();
    let (to_wide, to_rest) = to.split_at_mut(wide.len() * LANES);
    for (from, to) in wide.iter().zip(to_wide.chunks_exact_mut(LANES)) {
        // SAFETY: both hold as many elements as are read and written.
        unsafe {
            let low = _mm512_loadu_ps(from.as_ptr());
            let high = _mm512_loadu_ps(from.as_ptr().add(LANES));
            let pairs = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), pairs);
        }
    }
    for (from, to) in rest.chunks(2).zip(to_rest) {
        *to = bits(from[0]) | from.get(1).map_or(0, |&odd| bits(odd) << 16);
    }
}

/// Two rows as pairs: `even[i]` in the low half of `to[i]`, `odd[i]` in the high half; what the rows lack is 0.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn interleave(even: &[f32], odd: &[f32], to: &mut [u32]) {
    for (at, to) in to.chunks_mut(LANES).enumerate() {
        let half = |row: &[f32]| {
            let row = row.get(at * LANES..).unwrap_or_default();
            // SAFETY: the load is masked to the elements that there are.
            let numbers = unsafe { _mm512_maskz_loadu_ps(mask(row.len()), row.as_ptr()) };
            let halves = _mm512_cvtneps_pbh(numbers);
            // SAFETY: both are 256 bits of 16-bit numbers.
            _mm512_cvtepu16_epi32(unsafe { transmute::<__m256bh, __m256i>(halves) })
        };
        let pairs = _mm512_or_si512(half(even), _mm512_slli_epi32::<16>(half(odd)));
        // SAFETY: the store is masked to the elements that there are.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(to.len()), pairs) };
    }
}
