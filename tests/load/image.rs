//! Images of random form, from a number.

use fastrand::Rng;
use lambda_registry_tests::image::Image;

/// Longer than a part of a multipart upload.
const LONGEST: u64 = 12 << 20;

/// The image of that number: one to five layers, most of them short, one in fifty of several parts. The same number
/// gives the same image, and other numbers share no blob with it.
pub(crate) fn image(number: u64) -> Image {
    let mut random = Rng::with_seed(number);
    let layers = random.usize(1..=5);
    let lengths: Vec<u64> = (0..layers).map(|_| length(&mut random)).collect();
    Image::new(number, lengths)
}

fn length(random: &mut Rng) -> u64 {
    match random.u8(0..50) {
        0 => random.u64(8 << 20..=LONGEST),
        1..10 => random.u64(100_000..1_000_000),
        // A blob without any bytes is the same in every image.
        10 => 0,
        _ => random.u64(1..20_000),
    }
}
