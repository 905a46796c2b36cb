//! The HTTP API that a CloudFormation template describes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::Function;
use saphyr::{LoadableYamlNode, Mapping, Yaml};

use super::integration::{HeaderMapping, Integration};
use super::route::{PathParameters, RouteKey, RouteKeyError};

/// The most routes that an HTTP API has.
const MAX_ROUTES: usize = 300;
/// The longest that API Gateway waits for an integration, and what it waits when nothing is said.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a template can't be served.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It isn't YAML.
    #[error("the template isn't YAML: {0}")]
    Yaml(String),
    /// It has no resources.
    #[error("the template has no Resources")]
    NoResources,
    /// A property that is needed is missing, or has another form than the gateway understands.
    #[error("resource {resource}: {property} is missing or has a form that the local gateway doesn't know")]
    Property {
        /// Logical id of the resource.
        resource: String,
        /// Path of the property.
        property: &'static str,
    },
    /// Metadata names a binary that isn't one of the registry's functions.
    #[error("resource {resource}: {binary:?} isn't a function of the registry")]
    UnknownFunction {
        /// Logical id of the function.
        resource: String,
        /// What `BuildProperties.Binary` says.
        binary: String,
    },
    /// A mapping of response parameters that AWS refuses or that isn't emulated.
    #[error("resource {resource}: AWS doesn't take this mapping, or the local gateway doesn't know it: {mapping}")]
    Mapping {
        /// Logical id of the integration.
        resource: String,
        /// Destination and source.
        mapping: String,
    },
    /// A route's `AuthorizationType` is neither `NONE` nor `AWS_IAM`.
    #[error("resource {resource}: the local gateway doesn't know the authorization type {kind:?}")]
    AuthorizationType {
        /// Logical id of the route.
        resource: String,
        /// What it says.
        kind: String,
    },
    /// AWS refuses the route key.
    #[error("AWS refuses the route key: {0}")]
    RouteKey(#[from] RouteKeyError),
    /// Two route keys that AWS can't tell apart.
    #[error("the routes {0:?} and {1:?} can't be told apart")]
    SameRoute(String, String),
    /// More routes than an HTTP API has.
    #[error("{0} routes; an HTTP API has at most {MAX_ROUTES}")]
    TooManyRoutes(usize),
}

/// Routes with their integrations.
#[derive(Debug)]
pub(super) struct Api {
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    key: RouteKey,
    authorization: Authorization,
    integration: Arc<Integration>,
}

/// Who may call a route, as far as the gateway looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    /// Everybody.
    None,
    /// Who signs the request.
    Iam,
}

/// The route that a request selected.
pub(super) struct Selected<'a> {
    pub(super) key: &'a str,
    pub(super) parameters: PathParameters,
    pub(super) authorization: Authorization,
    pub(super) integration: &'a Integration,
}

impl Api {
    /// Reads a template. References are followed in the forms that the project's template uses: a route's `Target` is
    /// `!Sub integrations/${Integration}`, an `IntegrationUri` is `!GetAtt Function.Arn`, and a function's crate is
    /// what its build metadata names.
    pub(super) fn parse(template: &str) -> Result<Self, TemplateError> {
        let documents = Yaml::load_from_str(template).map_err(|error| TemplateError::Yaml(error.to_string()))?;
        let resources = documents.first().and_then(|document| get(document, "Resources"));
        let resources = Resources(resources.and_then(Yaml::as_mapping).ok_or(TemplateError::NoResources)?);

        let mut integrations = BTreeMap::new();
        for resource in resources.of_type("AWS::ApiGatewayV2::Integration") {
            integrations.insert(resource.id, Arc::new(integration(&resources, &resource)?));
        }
        let mut routes: Vec<Route> = Vec::new();
        for resource in resources.of_type("AWS::ApiGatewayV2::Route") {
            let key = RouteKey::parse(resource.text("Properties.RouteKey")?)?;
            if let Some(other) = routes.iter().find(|other| key.same_shape(&other.key)) {
                return Err(TemplateError::SameRoute(other.key.as_str().to_owned(), key.as_str().to_owned()));
            }
            let target = resource.text("Properties.Target")?;
            let target = target.strip_prefix("integrations/${").and_then(|target| target.strip_suffix('}'));
            let integration = target.and_then(|target| integrations.get(target));
            let integration = Arc::clone(integration.ok_or_else(|| resource.lacks("Properties.Target"))?);
            routes.push(Route { key, authorization: authorization(&resource)?, integration });
        }
        if routes.len() > MAX_ROUTES {
            return Err(TemplateError::TooManyRoutes(routes.len()));
        }
        Ok(Self { routes })
    }

    /// The route for a request, whose path is as it came.
    pub(super) fn select(&self, method: &str, path: &str) -> Option<Selected<'_>> {
        let matching = self.routes.iter().filter_map(|Route { key, authorization, integration }| {
            let (fit, parameters) = key.matches(method, path)?;
            Some((fit, Selected { key: key.as_str(), parameters, authorization: *authorization, integration }))
        });
        matching.max_by(|(left, _), (right, _)| left.cmp(right)).map(|(_, selected)| selected)
    }
}

fn authorization(route: &Resource<'_>) -> Result<Authorization, TemplateError> {
    const PROPERTY: &str = "Properties.AuthorizationType";
    if route.at(PROPERTY).is_none() {
        return Ok(Authorization::None);
    }
    match route.text(PROPERTY)? {
        "NONE" => Ok(Authorization::None),
        "AWS_IAM" => Ok(Authorization::Iam),
        kind => Err(TemplateError::AuthorizationType { resource: route.id.to_owned(), kind: kind.to_owned() }),
    }
}

fn integration(resources: &Resources<'_>, resource: &Resource<'_>) -> Result<Integration, TemplateError> {
    if resource.text("Properties.PayloadFormatVersion")? != "2.0" {
        return Err(resource.lacks("Properties.PayloadFormatVersion"));
    }
    let uri = resource.text("Properties.IntegrationUri")?;
    let function = uri.strip_suffix(".Arn").and_then(|id| resources.find(id));
    let function = function.ok_or_else(|| resource.lacks("Properties.IntegrationUri"))?;
    let binary = function.text("Metadata.BuildProperties.Binary")?;
    let known = Function::ALL.iter().find(|function| function.name() == binary);
    let function = *known.ok_or_else(|| TemplateError::UnknownFunction {
        resource: function.id.to_owned(),
        binary: binary.to_owned(),
    })?;
    let timeout = match resource.at("Properties.TimeoutInMillis") {
        None => MAX_TIMEOUT,
        Some(timeout) => {
            let millis = timeout.as_integer().and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
            let millis = millis.filter(|millis| *millis <= MAX_TIMEOUT);
            millis.ok_or_else(|| resource.lacks("Properties.TimeoutInMillis"))?
        }
    };
    Ok(Integration { function, timeout, mappings: mappings(resource)? })
}

/// `ResponseParameters`, in the nested form that CloudFormation wants: status → `ResponseParameters` → a list of
/// `Source` and `Destination`.
fn mappings(resource: &Resource<'_>) -> Result<BTreeMap<u16, Vec<HeaderMapping>>, TemplateError> {
    const PROPERTY: &str = "Properties.ResponseParameters";
    let Some(by_status) = resource.at(PROPERTY) else { return Ok(BTreeMap::new()) };
    let lacks = || resource.lacks(PROPERTY);
    let mut mappings = BTreeMap::new();
    for (status, parameters) in by_status.as_mapping().ok_or_else(lacks)? {
        let status = status.as_str().and_then(|status| status.parse().ok()).ok_or_else(lacks)?;
        let parameters = get(parameters, "ResponseParameters").and_then(Yaml::as_sequence).ok_or_else(lacks)?;
        let mut entries = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let source = get(parameter, "Source").and_then(Yaml::as_str).ok_or_else(lacks)?;
            let destination = get(parameter, "Destination").and_then(Yaml::as_str).ok_or_else(lacks)?;
            let mapping = HeaderMapping::parse(source, destination);
            entries.push(mapping.ok_or_else(|| TemplateError::Mapping {
                resource: resource.id.to_owned(),
                mapping: format!("{destination} from {source}"),
            })?);
        }
        mappings.insert(status, entries);
    }
    Ok(mappings)
}

/// The template's resources by logical id.
struct Resources<'a>(&'a Mapping<'a>);

struct Resource<'a> {
    id: &'a str,
    node: &'a Yaml<'a>,
}

impl<'a> Resources<'a> {
    fn all(&self) -> impl Iterator<Item = Resource<'a>> {
        self.0.iter().filter_map(|(id, node)| Some(Resource { id: id.as_str()?, node }))
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = Resource<'a>> {
        self.all().filter(move |resource| get(resource.node, "Type").and_then(Yaml::as_str) == Some(kind))
    }

    fn find(&self, id: &str) -> Option<Resource<'a>> {
        self.all().find(|resource| resource.id == id)
    }
}

impl<'a> Resource<'a> {
    /// The node at a path of keys with dots between them.
    fn at(&self, path: &str) -> Option<&'a Yaml<'a>> {
        path.split('.').try_fold(self.node, get)
    }

    fn text(&self, property: &'static str) -> Result<&'a str, TemplateError> {
        self.at(property).and_then(untagged).ok_or_else(|| self.lacks(property))
    }

    fn lacks(&self, property: &'static str) -> TemplateError {
        TemplateError::Property { resource: self.id.to_owned(), property }
    }
}

fn get<'a>(node: &'a Yaml<'a>, key: &str) -> Option<&'a Yaml<'a>> {
    node.as_mapping_get(key)
}

/// A scalar's text, without a tag such as `!Sub`.
fn untagged<'a>(node: &'a Yaml<'a>) -> Option<&'a str> {
    match node {
        Yaml::Tagged(_, inner) => inner.as_str(),
        plain => plain.as_str(),
    }
}
