//! Bills as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::bill::Bill;
use super::comparison::{BreakEven, Comparison};
use super::prices::PriceFile;
use super::quantity::Size;
use super::usage::Usage;

/// For people.
pub(crate) fn text(file: &PriceFile, usage: &Usage, comparison: &Comparison) -> String {
    let Comparison { registry, ecr, .. } = comparison;
    let mut text = format!("A month in {} ({}), at list prices of {}\n\n", file.name, file.region, file.date);
    text.push_str(&assumed(usage));
    text.push_str(&bill("lambda-registry", registry));
    text.push_str(&bill("Amazon ECR", ecr));
    text.push_str(&verdict(registry.total, ecr.total));
    text.push_str(&break_even(usage, comparison));
    text
}

/// For programs. Money is in US dollars, sizes are in bytes.
pub(crate) fn json(file: &PriceFile, usage: &Usage, comparison: &Comparison) -> Value {
    let break_even = |even: BreakEven| match even {
        BreakEven::RegistryAlways => json!({"cheaper": "lambda-registry"}),
        BreakEven::EcrAlways => json!({"cheaper": "ecr"}),
        BreakEven::From(number) => json!({"from": number}),
    };
    json!({
        "prices": {"region": file.region, "date": file.date, "currency": "USD"},
        "usage": {
            "images": usage.images,
            "layers": usage.layers,
            "pushes": usage.pushes,
            "pulls": usage.pulls,
            "stored_bytes": usage.stored(),
            "pulled_bytes": usage.pulled(),
            "leaving_bytes": usage.leaving(),
            "extras": usage.extras,
        },
        "registry": comparison.registry,
        "ecr": comparison.ecr,
        "saved": comparison.ecr.total - comparison.registry.total,
        "ecr_is_cheaper_from_pulls": break_even(comparison.pulls),
        "registry_is_cheaper_from_images": break_even(comparison.images),
    })
}

fn assumed(usage: &Usage) -> String {
    format!(
        "{} images of {} in {} layers, {} shared: {} stored\n{} pushes; {} pulls of {}, {} of it out of AWS\n\n",
        number(usage.images),
        usage.size,
        number(usage.layers),
        usage.shared,
        Size(usage.stored()),
        number(usage.pushes),
        number(usage.pulls),
        Size(usage.pulled()),
        Size(usage.leaving()),
    )
}

fn bill(whose: &str, bill: &Bill) -> String {
    let mut text = format!("{whose:<34}{:>16}                 US$\n", "");
    for line in &bill.lines {
        let quantity = number(line.quantity);
        writeln!(text, "  {:<32}{quantity:>16} {:<10}{:>10}", line.item, line.unit, usd(line.usd)).unwrap_or_default();
    }
    writeln!(text, "  {:<59}{:>10}\n", "total", usd(bill.total)).unwrap_or_default();
    text
}

/// Of the totals as they are shown.
fn verdict(registry: f64, ecr: f64) -> String {
    let cents = |amount: f64| (amount * 100.0).round() / 100.0;
    let (registry, ecr) = (cents(registry), cents(ecr));
    let (cheaper, less, more) =
        if registry <= ecr { ("lambda-registry", registry, ecr) } else { ("Amazon ECR", ecr, registry) };
    match more - less {
        difference if difference < 0.005 => "Both cost the same, to the cent.\n".to_owned(),
        difference => {
            format!("{cheaper} costs ${} less: {:.0}% of the other's bill.\n", usd(difference), less / more * 100.0)
        }
    }
}

fn break_even(usage: &Usage, comparison: &Comparison) -> String {
    let pulls = match comparison.pulls {
        BreakEven::RegistryAlways => "ECR isn't cheaper with any number of pulls.".to_owned(),
        BreakEven::EcrAlways => "ECR is cheaper with any number of pulls.".to_owned(),
        BreakEven::From(pulls) => format!("ECR is cheaper with {} or more pulls a month.", number(pulls)),
    };
    let images = match comparison.images {
        BreakEven::RegistryAlways => "lambda-registry isn't dearer with any number of images.".to_owned(),
        BreakEven::EcrAlways => "ECR is cheaper with any number of images.".to_owned(),
        BreakEven::From(images) => {
            let stored = Size(Usage { images, ..*usage }.stored());
            format!("lambda-registry is cheaper, or no dearer, with {} or more images ({stored}).", number(images))
        }
    };
    format!("Break-even, all else as it is:\n  {pulls}\n  {images}\n")
}

/// Cents; what is less than half of one isn't nothing.
fn usd(amount: f64) -> String {
    if amount > 0.0 && amount < 0.005 { "<0.01".to_owned() } else { grouped(&format!("{amount:.2}")) }
}

/// With three decimals where they say anything.
fn number(quantity: f64) -> String {
    let exact =
        if quantity < 1_000.0 && quantity.fract() != 0.0 { format!("{quantity:.3}") } else { format!("{quantity:.0}") };
    if quantity > 0.0 && exact.parse() == Ok(0.0) { "<0.001".to_owned() } else { grouped(&exact) }
}

/// With commas between thousands.
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let comma = |at: usize| at > 0 && at < whole && (whole - at).is_multiple_of(3);
    digits.char_indices().fold(String::new(), |mut text, (at, digit)| {
        if comma(at) {
            text.push(',');
        }
        text.push(digit);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_in_cents_and_a_fraction_of_one_is_not_nothing() {
        let shown = [0.0, 0.004, 0.005, 1.0, 12.345, 1_234_567.891].map(usd);
        assert_eq!(shown, ["0.00", "<0.01", "0.01", "1.00", "12.35", "1,234,567.89"]);
    }

    #[test]
    fn quantities_have_commas_and_as_many_decimals_as_mean_something() {
        let shown = [0.0, 0.000_2, 0.5, 999.0, 1_000.4, 15_000_000.0].map(number);
        assert_eq!(shown, ["0", "<0.001", "0.500", "999", "1,000", "15,000,000"]);
    }

    #[test]
    fn the_cheaper_one_is_named() {
        assert_eq!(verdict(1.0, 4.0), "lambda-registry costs $3.00 less: 25% of the other's bill.\n");
        assert_eq!(verdict(4.0, 1.0), "Amazon ECR costs $3.00 less: 25% of the other's bill.\n");
        assert_eq!(verdict(1.0, 1.001), "Both cost the same, to the cent.\n");
    }
}
