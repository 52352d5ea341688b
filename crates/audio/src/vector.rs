//! Wide registers, where the machine has them: the only place of the crate with `unsafe`.
//!
//! A kernel is an ordinary safe function over slices, written so that the compiler can vectorise
//! it. Here it is compiled a second time with AVX2 allowed and, when the machine has AVX2, run in
//! that form. Both forms execute the same operations in the same order and neither contracts
//! multiplications with additions, so their results are equal bit by bit; the tests of each kernel
//! hold them to that. On other architectures than x86-64 the baseline has vectors already (NEON on
//! aarch64) and there is only one form.

#![allow(unsafe_code)]

/// Runs `kernel` on `input` in the fastest form that this machine has.
///
/// The kernel must be `#[inline(always)]`: only what is inlined is compiled anew.
#[inline]
pub fn run<I, O>(kernel: impl FnOnce(I) -> O, input: I) -> O {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the function differs from safe code in one demand, that the machine has AVX2, and
        // that has just been found (the standard library asks the processor once and remembers).
        return unsafe { with_avx2(kernel, input) };
    }
    kernel(input)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<I, O>(kernel: impl FnOnce(I) -> O, input: I) -> O {
    kernel(input)
}
