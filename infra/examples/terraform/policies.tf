# Whoever has this may log in. What they may pull and push is granted with `lambda-registry grants`.
resource "aws_iam_policy" "login" {
  name        = "${var.name}-login"
  description = "Log in to the registry ${var.name}"
  policy      = data.aws_iam_policy_document.login.json
}

data "aws_iam_policy_document" "login" {
  statement {
    actions   = ["execute-api:Invoke"]
    resources = [aws_cloudformation_stack.registry.outputs["LoginArn"]]
  }
}

# The execution role of ECS tasks: they pull with the secret, and write their logs.
resource "aws_iam_role" "execution" {
  count = local.has_pull_secret ? 1 : 0

  name               = "${var.name}-execution"
  description        = "ECS pulls from the registry ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.assume_execution.json
}

resource "aws_iam_role_policy" "execution" {
  count = local.has_pull_secret ? 1 : 0

  name   = "execution"
  role   = aws_iam_role.execution[0].id
  policy = data.aws_iam_policy_document.execution[0].json
}

data "aws_iam_policy_document" "assume_execution" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "execution" {
  count = local.has_pull_secret ? 1 : 0

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_cloudformation_stack.registry.outputs["PullSecretArn"]]
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.tasks[0].arn}:*"]
  }
}

resource "aws_cloudwatch_log_group" "tasks" {
  count = local.has_pull_secret ? 1 : 0

  name              = "/ecs/${var.name}"
  retention_in_days = 30
}

locals {
  has_pull_secret = var.pull_pattern != ""
}
