// A pixel: light of it and its neighbours, as Cycles' filter (Blackman-Harris) spreads it; then sRGB.

uniform sampler2D lights;   // linear; alpha: share of object

out vec4 pixel;             // sRGB; alpha: share of object within the pixel itself

// Share of each of the four neighbours. With the pixel's own square this comes nearest to that filter:
// mean squared error against Cycles 1.9, without neighbours 5.1 (224 pixels, 28 images).
const float SIDE = 0.09;

vec3 srgb(vec3 linear) {
    vec3 bent = 1.055 * pow(max(linear, 1e-8), vec3(1.0 / 2.4)) - 0.055;
    return mix(12.92 * linear, bent, step(0.0031308, linear));
}

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(lights, 0) - 1;
    vec4 own = texelFetch(lights, here, 0);
    vec4 beside = texelFetch(lights, ivec2(max(here.x - 1, 0), here.y), 0)
        + texelFetch(lights, ivec2(min(here.x + 1, last.x), here.y), 0)
        + texelFetch(lights, ivec2(here.x, max(here.y - 1, 0)), 0)
        + texelFetch(lights, ivec2(here.x, min(here.y + 1, last.y)), 0);
    vec3 light = mix(own.rgb, 0.25 * beside.rgb, 4.0 * SIDE);
    pixel = vec4(srgb(clamp(light, 0.0, 1.0)), own.a);
}
