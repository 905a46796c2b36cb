# The registry. Its template uses SAM's transform, which CloudFormation carries out, and is too large to be sent along:
# CloudFormation reads it from the bucket. A new template is a new key, so that the stack is updated.
resource "aws_s3_object" "template" {
  bucket = var.bucket
  key    = "${var.name}/${filesha256(var.template)}.yaml"
  source = var.template
}

resource "aws_cloudformation_stack" "registry" {
  name         = var.name
  template_url = "https://${aws_s3_object.template.bucket}.s3.${var.region}.amazonaws.com/${aws_s3_object.template.key}"
  # It makes roles for its functions.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

  parameters = merge(var.parameters, {
    Architecture      = var.architecture
    CreateOnPush      = tostring(var.create_on_push)
    PullSecretPattern = var.pull_pattern
  })
}
