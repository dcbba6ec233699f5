// Cases → answers of @sd-jwt/sd-jwt-vc.
import {answerAll} from './cases.mjs';
import {serve} from './program.mjs';
import {SdJwtPeer} from './sd_jwt_vc.mjs';

await serve(cases => answerAll(new SdJwtPeer(), cases));
