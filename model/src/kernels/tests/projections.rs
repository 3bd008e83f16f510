//! Products with weights, and their inputs that are made again.

use glpft_checkpoints::Activation;

use super::*;

#[test]
fn projection() {
    let (x, weight, grad) = (
        normal(0, &[150, 48]),
        normal(1, &[70, 48]),
        normal(2, &[150, 70]),
    );
    close(
        Flex::projection(
            x.clone(),
            x.clone(),
            x.clone(),
            Remake::Kept,
            weight.clone(),
            no_codes(),
            HeldAs::Matrix,
            Precision::F32,
        ),
        composed::projection::<Flex>(x.clone(), weight.clone(), Precision::F32),
        "output",
    );
    let [dx, dweight] = differentiated([&x, &weight], &grad, |[x, weight]| {
        composed::projection::<Graph>(x, weight, Precision::F32)
    });
    let wired = differentiated([&x, &weight], &grad, |[x, weight]| {
        <Graph as DecoderOps>::projection(
            x.clone(),
            x.clone(),
            x,
            Remake::Kept,
            weight,
            no_codes(),
            HeldAs::Matrix,
            Precision::F32,
        )
    });
    close(wired[0].clone(), dx, "dx");
    close(wired[1].clone(), dweight, "dweight");
}

#[test]
fn adapted_projection() {
    let (x, weight, grad) = (
        normal(0, &[150, 48]),
        normal(1, &[70, 48]),
        normal(2, &[150, 70]),
    );
    let (a, b) = (normal(3, &[4, 48]), normal(4, &[70, 4]));
    for probability in [None, Some(0.3)] {
        let low_rank = LowRank {
            scale: 1.7,
            dropout: probability.map(|probability| DropoutMask {
                random: Random::new(3, None, 0, Purpose::Dropout),
                probability,
            }),
        };
        let composed = |x, a, b| {
            let weight = weight.clone();
            composed::adapted_projection_forward::<Flex>(x, weight, a, b, low_rank, Precision::F32)
        };
        let (output, low) = composed(x.clone(), a.clone(), b.clone());
        let fused = Flex::adapted_projection_forward(
            x.clone(),
            weight.clone(),
            a.clone(),
            b.clone(),
            low_rank,
            Precision::F32,
        );
        close(fused.0, output, "output");
        close(fused.1, low.clone(), "low");

        let frozen = || Graph::from_inner(weight.clone());
        let expected = differentiated([&x, &a, &b], &grad, |[x, a, b]| {
            let weight = frozen();
            composed::adapted_projection_forward::<Graph>(x, weight, a, b, low_rank, Precision::F32)
                .0
        });
        let wired = differentiated([&x, &a, &b], &grad, |[x, a, b]| {
            <Graph as DecoderOps>::adapted_projection(
                x.clone(),
                x.clone(),
                x,
                Remake::Kept,
                frozen(),
                no_codes(),
                HeldAs::Matrix,
                a,
                b,
                low_rank,
                Precision::F32,
            )
        });
        let by_hand = composed::adapted_projection_backward::<Flex>(
            x.clone(),
            weight.clone(),
            a.clone(),
            b.clone(),
            low,
            grad.clone(),
            low_rank,
            Precision::F32,
            true,
        );
        for found in [wired, [by_hand.0, by_hand.1, by_hand.2]] {
            for ((found, expected), what) in
                found.into_iter().zip(&expected).zip(["dx", "da", "db"])
            {
                close(found, expected.clone(), what);
            }
        }
    }
}

/// What is made again is what was read: the gradients are those of a kept input, to the last bit.
#[test]
fn a_remade_input_is_the_kept_one() {
    let (x, up, grad) = (
        normal(0, &[150, 48]),
        normal(1, &[150, 48]),
        normal(2, &[150, 70]),
    );
    let (weight, a, b) = (
        normal(3, &[70, 48]),
        normal(4, &[4, 48]),
        normal(5, &[70, 4]),
    );
    let low_rank = LowRank {
        scale: 1.7,
        dropout: None,
    };
    let epsilon = 1e-5;
    for (remake, with) in [
        (Remake::Norm { epsilon }, normal(6, &[48])),
        (
            Remake::Gate {
                activation: Activation::GeluTanh,
            },
            up,
        ),
    ] {
        let inputs = [&x, &with, &weight, &a, &b];
        let gradients = |kept: bool| {
            differentiated(inputs, &grad, |[x, with, weight, a, b]| {
                let input = match remake {
                    Remake::Gate { activation } => Graph::gate(x.clone(), with.clone(), activation),
                    _ => Graph::rms_norm(x.clone(), with.clone(), epsilon),
                };
                let (of, beside, remake) = match kept {
                    true => (input.clone(), input.clone(), Remake::Kept),
                    false => (x, with, remake),
                };
                let (i, o, w) = (input.clone(), of.clone(), beside.clone());
                let plain = Graph::projection(
                    i,
                    o,
                    w,
                    remake,
                    weight.clone(),
                    no_codes(),
                    HeldAs::Matrix,
                    Precision::F32,
                );
                let frozen = Graph::float_detach(weight);
                let adapted = Graph::adapted_projection(
                    input,
                    of,
                    beside,
                    remake,
                    frozen,
                    no_codes(),
                    HeldAs::Matrix,
                    a,
                    b,
                    low_rank,
                    Precision::F32,
                );
                Graph::float_add(plain, adapted)
            })
        };
        for (remade, kept) in gradients(false).into_iter().zip(gradients(true)) {
            assert_eq!(values(remade), values(kept));
        }
    }
}
