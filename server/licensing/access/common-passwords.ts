/**
 * What stands at the top of every published list of leaked passwords, as whole passwords of twelve or more characters and
 * as words that people lengthen with digits and signs. A short list on purpose: length does the work.
 */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  `password passwort passw0rd p@ssword p@ssw0rd passwordpassword changeme changemenow letmein letmeinplease welcome
   welcometo administrator admin adminadmin superadmin root rootroot licet license secret topsecret default guest master
   qwerty qwertyuiop qwertyuiopas qwertyuiopasdf qwertyqwerty qwertzuiop azertyuiop asdfghjkl asdfghjklzxcvbnm
   zxcvbnm 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc q1w2e3r4t5y6 abcdefghijkl abcdefghijklmnop abcdabcdabcd
   iloveyou iloveyouforever iloveyousomuch trustno1 sunshine princess football baseball basketball monkey dragon shadow
   superman batman spiderman starwars pokemon liverpool chelsea arsenal barcelona realmadrid michael jennifer jessica
   charlie thomas daniel jordan hunter ashley summer winter spring autumn sommer herbst january february september
   october november december monday tuesday wednesday thursday friday saturday sunday computer internet samsung google
   facebook linkedin whatever freedom mustang corvette ferrari mercedes porsche correcthorsebatterystaple
   123456789012 1234567890123 12345678901234 098765432109 112233445566 121212121212 123123123123 000000000000
   111111111111 987654321098 147258369147 159753456852 q1w2e3r4t5y6u7i8 1234qwerasdf 123qweasdzxc qazwsxedcrfv
   passwordadmin mypassword mypassword123 thisismypassword password123456 iamtheadmin nopassword`.split(/\s+/),
);
