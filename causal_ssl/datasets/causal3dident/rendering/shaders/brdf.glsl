// Rubber: mix(mix(diffuse, sheen, fresnel(SHEEN_IOR)), gloss, fresnel(GLOSS_IOR)).

const float PI = 3.14159265;

// Share of unpolarised light that a dielectric reflects, seen under the cosine c (Fresnel).
float fresnel(float c, float ior) {
    float g = sqrt(max(ior * ior - 1.0 + c * c, 0.0));
    float a = (g - c) / (g + c);
    float b = ((g + c) * c - 1.0) / ((g - c) * c + 1.0);
    return 0.5 * a * a * (1.0 + b * b);
}

// What depends on the view alone: computed once for the three lamps.
struct Surface {
    vec3 normal;
    vec3 view;          // towards the camera
    vec3 colour;
    float cos_view;
    float sheen_share;
    float gloss_share;
    float view_lambda;
};

// Smith's Lambda of Beckmann's distribution: slopes hidden from a direction of cosine c, by the
// rational fit of Walter et al. 2007 ("Microfacet models for refraction", section 5).
float beckmann_lambda(float c) {
    float a = c / (GLOSS_ROUGHNESS * sqrt(max(1.0 - c * c, 1e-8)));
    return a > 1.598 ? 0.0 : ((0.396 * a - 1.259) * a + 1.0) / ((2.181 * a + 3.535) * a);
}

Surface surface(vec3 normal, vec3 view, vec3 colour) {
    float c = max(dot(normal, view), 1e-3);
    return Surface(normal, view, colour, c, fresnel(c, SHEEN_IOR), fresnel(c, GLOSS_IOR),
                   beckmann_lambda(c));
}

// Velvet of Ashikhmin, Premoze and Shirley 2000: an inverted Gaussian of slopes, which is bright
// towards grazing angles. Includes the light's cosine.
float sheen(Surface s, float cos_light, float cos_half, float view_half) {
    float sine2 = max(1.0 - cos_half * cos_half, 1e-4);
    float precision2 = 1.0 / (SHEEN_ROUGHNESS * SHEEN_ROUGHNESS);
    float slopes = exp(-cos_half * cos_half / sine2 * precision2) * precision2
        / (PI * sine2 * sine2);
    float open = min(1.0, 2.0 * cos_half / view_half * min(s.cos_view, cos_light));
    return 0.25 * slopes * open / s.cos_view;
}

// Beckmann's microfacets with height-correlated shadowing. Includes the light's cosine.
float gloss(Surface s, float cos_light, float cos_half) {
    float c2 = cos_half * cos_half;
    float alpha2 = GLOSS_ROUGHNESS * GLOSS_ROUGHNESS;
    float slopes = exp(-(1.0 - c2) / (alpha2 * c2)) / (PI * alpha2 * c2 * c2);
    float open = 1.0 / (1.0 + s.view_lambda + beckmann_lambda(cos_light));
    return 0.25 * GLOSS_GREY * slopes * open / s.cos_view;
}

// Radiance towards the camera per irradiance that falls square on a surface: BRDF times cosine.
vec3 reflected(Surface s, vec3 light) {
    float cos_light = dot(s.normal, light);
    if (cos_light <= 0.0) return vec3(0.0);
    vec3 middle = normalize(light + s.view);
    float cos_half = max(dot(s.normal, middle), 1e-4);
    float view_half = max(dot(s.view, middle), 1e-4);
    float cloth = mix(cos_light / PI, sheen(s, cos_light, cos_half, view_half), s.sheen_share);
    return mix(s.colour * cloth, vec3(gloss(s, cos_light, cos_half)), s.gloss_share);
}
