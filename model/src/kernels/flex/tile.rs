//! What the products for AVX-512 share: the store of a tile whose sums are in registers.

use std::arch::x86_64::*;

/// Numbers in a register.
pub const LANES: usize = 16;

/// Two registers of sums for each row of a tile, stored to `output`, whose rows begin `stride` apart: the first `rows`
/// rows and `columns` columns, with `add` added to what stands there.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline]
#[target_feature(enable = "avx512f")]
pub unsafe fn store<const HEIGHT: usize>(
    sums: [[__m512; 2]; HEIGHT],
    output: &mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
    add: bool,
) {
    assert!(rows > 0 && (rows - 1) * stride + columns <= output.len());
    let masks = [mask(columns), mask(columns.saturating_sub(LANES))];
    for (row, sums) in sums.into_iter().enumerate().take(rows) {
        for (half, (sum, mask)) in sums.into_iter().zip(masks).enumerate() {
            let place = output
                .as_mut_ptr()
                .wrapping_add(row * stride + half * LANES);
            // SAFETY: reads and writes are masked to the tile, which lies within the output as asserted.
            unsafe {
                let before = match add {
                    true => _mm512_maskz_loadu_ps(mask, place),
                    false => _mm512_setzero_ps(),
                };
                _mm512_mask_storeu_ps(place, mask, _mm512_add_ps(before, sum));
            }
        }
    }
}

/// The first `count` lanes.
pub fn mask(count: usize) -> __mmask16 {
    match count {
        count if count >= LANES => !0,
        count => (1 << count) - 1,
    }
}
