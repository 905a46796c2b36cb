//! infra/examples/terraform. Without the provider, Terraform's own check can't run: this one follows the references.

use std::collections::BTreeSet;

use hcl_edit::expr::{Expression, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::{Block, Body};
use hcl_edit::visit::{Visit, visit_block, visit_traversal};

use crate::files::{read, repository, with_extension};

/// What has a value without a block of the module.
const BUILT_IN: [&str; 2] = ["path.module", "terraform.workspace"];

/// What a module declares, and what it refers to: `var.region`, `data.aws_iam_policy_document.login`.
#[derive(Default)]
struct Module {
    declared: BTreeSet<String>,
    referred: BTreeSet<String>,
    /// Names in brackets after `outputs`.
    outputs: BTreeSet<String>,
    /// Keys of the stack's `parameters`.
    parameters: BTreeSet<String>,
}

#[test]
fn every_reference_leads_to_something_and_everything_is_used() {
    let module = module();
    let missing: Vec<_> =
        module.referred.difference(&module.declared).filter(|name| !BUILT_IN.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "nothing declares {missing:?}");
    let unused: Vec<_> = module.declared.difference(&module.referred).filter(|name| !is_an_effect(name)).collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}");
}

#[test]
fn parameters_and_outputs_are_those_of_the_template() {
    let module = module();
    let missing: Vec<_> = module.parameters.difference(&names_in_template("Parameters")).cloned().collect();
    assert!(missing.is_empty() && module.parameters.len() >= 3, "{missing:?} of {:?}", module.parameters);
    let missing: Vec<_> = module.outputs.difference(&names_in_template("Outputs")).cloned().collect();
    assert!(missing.is_empty() && module.outputs.len() >= 3, "{missing:?} of {:?}", module.outputs);
}

/// Resources are there for what they do.
fn is_an_effect(name: &str) -> bool {
    name.starts_with("aws_")
}

/// The keys of a section of the registry's template.
#[track_caller]
fn names_in_template(section: &str) -> BTreeSet<String> {
    let template = read(&repository("template.yaml"));
    let (_, rest) = template.split_once(&format!("\n{section}:\n")).expect("the section");
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let name = |line: &str| Some(line.strip_prefix("  ")?.strip_suffix(':')?.to_owned());
    lines.filter_map(name).filter(|name| !name.starts_with(' ')).collect()
}

#[track_caller]
fn module() -> Module {
    let mut module = Module::default();
    for file in with_extension("tf") {
        let body: Body = read(&file).parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        module.visit_body(&body);
    }
    assert!(module.declared.contains("var.region"), "{:?}", module.declared);
    module
}

impl Visit for Module {
    fn visit_block(&mut self, block: &Block) {
        let labels: Vec<_> = block.labels.iter().map(|label| label.as_str()).collect();
        match (block.ident.as_str(), labels.as_slice()) {
            ("variable", [name]) => self.declare(format!("var.{name}")),
            ("resource", [kind, name]) => self.declare(format!("{kind}.{name}")),
            ("data", [kind, name]) => self.declare(format!("data.{kind}.{name}")),
            ("locals", []) => {
                for local in block.body.attributes() {
                    self.declare(format!("local.{}", local.key.as_str()));
                }
            }
            _ => {}
        }
        visit_block(self, block);
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        if let Expression::Variable(root) = &traversal.expr {
            let names = traversal.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                _ => None,
            });
            let length = if root.as_str() == "data" { 3 } else { 2 };
            let path: Vec<_> = std::iter::once(root.as_str()).chain(names).take(length).collect();
            self.referred.insert(path.join("."));
        }
        let operators: Vec<_> = traversal.operators.iter().map(|operator| operator.value()).collect();
        for pair in operators.windows(2) {
            if let [TraversalOperator::GetAttr(name), TraversalOperator::Index(Expression::String(key))] = pair
                && name.as_str() == "outputs"
            {
                self.outputs.insert(key.as_str().to_owned());
            }
        }
        visit_traversal(self, traversal);
    }

    fn visit_object_key(&mut self, key: &ObjectKey) {
        // Of all keys of objects, those of the stack's parameters begin with a capital.
        if let ObjectKey::Ident(name) = key
            && name.starts_with(|first: char| first.is_ascii_uppercase())
        {
            self.parameters.insert(name.as_str().to_owned());
        }
    }
}

impl Module {
    #[track_caller]
    fn declare(&mut self, name: String) {
        assert!(self.declared.insert(name.clone()), "{name} is declared twice");
    }
}
