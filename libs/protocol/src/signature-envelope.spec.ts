import { openSignature, sealSignature } from './signature-envelope';

describe('the envelope of a signature', () => {
  it('names the dialect it is of, and gives it back to the letter', () => {
    const sealed = sealSignature('Eq.QB+/=', 'anthropic-messages', 'openai-responses');
    expect(sealed).toBe('sbsig.anthropic-messages.Eq.QB+/=');
    expect(openSignature(sealed, 'openai-responses')).toEqual({
      signature: 'Eq.QB+/=',
      signedBy: 'anthropic-messages',
    });
  });

  it('is left out where the client speaks that dialect', () => {
    expect(sealSignature('EqQB', 'anthropic-messages', 'anthropic-messages')).toBe('EqQB');
    expect(openSignature('EqQB', 'anthropic-messages')).toEqual({ signature: 'EqQB', signedBy: 'anthropic-messages' });
  });

  it.each(['sbsig.', 'sbsig.nobody.x', 'sbsig.anthropic-messages'])(
    'takes %s for a signature of its own',
    (signature) => {
      expect(openSignature(signature, 'openai-responses')).toEqual({ signature, signedBy: 'openai-responses' });
    },
  );
});
