variable "region" {
  description = "Where the registry is deployed"
  type        = string
}

variable "name" {
  description = "Name of the registry's stack, and what the names of everything here begin with"
  type        = string
  default     = "lambda-registry"
}

variable "bucket" {
  description = "Bucket for deployments in the same region: `sam package` puts the functions there"
  type        = string
}

variable "template" {
  description = "The file that `sam package` wrote"
  type        = string
  default     = "packaged.yaml"
}

variable "architecture" {
  description = "Processor of the functions, as they were built: arm64 or x86_64"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "It is arm64 or x86_64."
  }
}

variable "pull_pattern" {
  description = "What ECS may pull: a pattern of repositories such as team/*; empty for no secret, which costs money"
  type        = string
  default     = ""
}

variable "create_on_push" {
  description = "Whether a push to a name that doesn't exist creates the repository"
  type        = bool
  default     = false
}

variable "parameters" {
  description = "Further parameters of the registry's template, by name"
  type        = map(string)
  default     = {}
}
