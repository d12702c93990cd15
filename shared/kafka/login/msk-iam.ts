/**
 * Tokens for AWS MSK with IAM: a request that is signed with the credentials of the environment, made by AWS's own
 * package. Few need it and it is large, so it is loaded only when it is used, and not installed with Headrace.
 */
import type { Clock } from '../../clock.ts'
import { messageOf, Unavailable, WrongUse } from '../../errors.ts'
import type { LoginToken } from './login-token.ts'

const SIGNER = 'aws-msk-iam-sasl-signer-js'

/** What is used of the package. */
type MskSigner = { generateAuthToken(of: { region: string }): Promise<{ token: string; expiryTime: number }> }

export async function mskToken(region: string, clock: Clock, name = SIGNER): Promise<LoginToken> {
  const signer = await loadSigner(name)
  try {
    const { token, expiryTime } = await signer.generateAuthToken({ region })
    return { value: token, lifeMs: Math.max(expiryTime - clock.nowMs(), 0) }
  } catch (error) {
    throw new Unavailable('HR_KAFKA_TOKEN', `no AWS credentials for Kafka: ${messageOf(error)}`, {
      hint: 'give this process a role or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for any AWS SDK',
      cause: error,
    })
  }
}

async function loadSigner(name: string): Promise<MskSigner> {
  try {
    return await import(name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new WrongUse('HR_PACKAGE_MISSING', 'aws-msk-iam needs the package aws-msk-iam-sasl-signer-js', {
      hint: 'add it where Headrace is installed: npm i aws-msk-iam-sasl-signer-js',
    })
  }
}
