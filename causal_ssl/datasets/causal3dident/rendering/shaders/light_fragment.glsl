// Light of a pixel: object and ground, lit once each and mixed by the samples the object covers.

uniform sampler2DMS surfaces;   // normal and distance of the object; 0 where there is none
uniform vec3 eye;
uniform mat3 rays;              // pixel's x and y and 1 -> ray through it, of length 1 along the axis
uniform vec3 object_colour;
uniform vec3 ground_colour;

out vec4 light;                 // linear; alpha: share of object

const float FAR = 1e6;          // where there is no ground

void main() {
    vec3 ray = rays * vec3(gl_FragCoord.xy, 1.0);
    float to_ground = ray.z < 0.0 ? -(DEPTH + eye.z) / ray.z : FAR;
    vec2 across = abs(eye.xy + ray.xy * to_ground);
    if (max(across.x, across.y) > 0.5 * GROUND_SIZE) to_ground = FAR;
    vec4 sum = vec4(0.0);
    float covered = 0.0;
    for (int i = 0; i < SAMPLES; ++i) {
        vec4 surface = texelFetch(surfaces, ivec2(gl_FragCoord.xy), i);
        if (surface.w > 0.0 && surface.w < to_ground) {
            sum += surface;
            covered += 1.0;
        }
    }
    light = vec4(0.0, 0.0, 0.0, covered / SAMPLES);
    int last = covered < SAMPLES && to_ground < FAR ? 2 : 1;
    // One loop, not two calls: the compiler writes every call out in full.
    for (int layer = covered > 0.0 ? 0 : 1; layer < last; ++layer) {
        bool object = layer == 0;
        vec3 world = eye + ray * (object ? sum.w / covered : to_ground);
        vec3 normal = object ? normalize(sum.xyz) : vec3(0.0, 0.0, 1.0);
        float share = (object ? covered : SAMPLES - covered) / SAMPLES;
        light.rgb += share * lit(world, normal, object ? object_colour : ground_colour, eye);
    }
}
