output "registry" {
  description = "Host name of the registry"
  value       = aws_cloudformation_stack.registry.outputs["RegistryHost"]
}

output "table" {
  description = "For `lambda-registry grants`, in REGISTRY_TABLE"
  value       = aws_cloudformation_stack.registry.outputs["TableName"]
}

output "login_policy" {
  description = "To attach to whoever may log in"
  value       = aws_iam_policy.login.arn
}

output "execution_role" {
  description = "executionRoleArn of task definitions"
  value       = one(aws_iam_role.execution[*].arn)
}

output "pull_secret" {
  description = "repositoryCredentials of task definitions"
  value       = local.has_pull_secret ? aws_cloudformation_stack.registry.outputs["PullSecretArn"] : null
}
