//! The edit of one image of a kustomization, as a plan writes it: old and new values.
//!
//! **Invariant:** a value is replaced only where it still is the plan's old one, or is the new one already.
//! Not here: how the bytes are edited (`compiler::overlay`).

use std::collections::BTreeMap;

use waybill_compiler::overlay::{self, NewImage};

use super::inputs::Mask;
use super::{FileEdit, Refusal};

/// A scalar of a file; `None` is its absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    pub before: Option<String>,
    pub after: Option<String>,
}

/// New values of the entry `image` of `images` in the kustomization at `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageEdit {
    pub path: String,
    pub image: String,
    pub tag: Scalar,
    pub digest: Scalar,
}

impl ImageEdit {
    /// The edit that takes this one back.
    pub fn undo(self) -> ImageEdit {
        let swap = |scalar: Scalar| Scalar { before: scalar.after, after: scalar.before };
        ImageEdit { tag: swap(self.tag), digest: swap(self.digest), ..self }
    }

    pub fn file_edit(self) -> FileEdit<'static> {
        let path = self.path.clone();
        FileEdit { path, rebuild: Box::new(move |text| self.rebuild(text)) }
    }

    fn rebuild(&self, text: Option<&str>) -> Result<String, Refusal> {
        let text = text.ok_or_else(|| Refusal::Moved(format!("`{}` is not there any more", self.path)))?;
        let broken = |error: overlay::BumpError| Refusal::Broken(error.to_string());
        let now = overlay::read(text, &self.image).map_err(broken)?.unwrap_or_default();
        for (key, scalar, now) in [("newTag", &self.tag, &now.tag), ("digest", &self.digest, &now.digest)] {
            if *now != scalar.before && *now != scalar.after {
                let say = |value: &Option<String>| value.clone().unwrap_or_else(|| "(absent)".to_owned());
                return Err(Refusal::Moved(format!(
                    "{}: images[{}].{key} is {}, and the plan replaces {}",
                    self.path,
                    self.image,
                    say(now),
                    say(&scalar.before)
                )));
            }
        }
        let new = NewImage { new_tag: self.tag.after.clone(), digest: self.digest.after.clone() };
        // Both values are given, so `None` means that the key goes.
        Ok(overlay::restore(text, &self.image, &new).map_err(broken)?.text)
    }
}

/// What counts of kustomizations in which Waybill bumps images: `images` by path. A file that cannot be read as a
/// kustomization counts as it is.
pub fn content_without_images(images: &BTreeMap<String, Vec<String>>, path: &str, content: &[u8]) -> Option<Vec<u8>> {
    let names = images.get(path)?;
    let text = std::str::from_utf8(content).ok()?;
    let masked = overlay::mask(text, names.iter().map(String::as_str)).ok()?;
    Some(masked.into_bytes())
}

/// Calls `use_mask` with the mask of [`content_without_images`].
pub fn with_image_mask<T>(images: &BTreeMap<String, Vec<String>>, use_mask: impl FnOnce(&Mask<'_>) -> T) -> T {
    let content = |path: &str, content: &[u8]| content_without_images(images, path, content);
    use_mask(&Mask { paths: images.keys().cloned().collect(), content: &content })
}
