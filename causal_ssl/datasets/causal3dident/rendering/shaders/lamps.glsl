// Light from each lamp that a surface sends to the camera.

uniform mat3 spot_frame;        // world -> across, across, along the spotlight's axis
uniform vec3 spot_place;
uniform vec3 spot_colour;
uniform float lamp_power[3];    // no constants: a dark lamp's uniforms would be compiled away

const float COS_CONE = cos(0.5 * SPOT_CONE), TAN_CONE = tan(0.5 * SPOT_CONE);
const float COS_FULL = COS_CONE / (1.0 - (1.0 - COS_CONE) * SPOT_BLEND);  // within: full power
const float TAN_FULL = sqrt(1.0 - COS_FULL * COS_FULL) / COS_FULL;
const int SPOT = 0, AREA = 1, SUN = 2;

// The spotlight fades over the outer part of its cone; `ray` runs from the lamp, in its frame.
float cone(vec3 ray) {
    float c = ray.z * inversesqrt(dot(ray, ray));
    return c <= 0.0 ? 0.0 : smoothstep(0.0, 1.0, (1.0 - COS_CONE / c) / ((1.0 - COS_CONE) * SPOT_BLEND));
}

vec3 from_spot(Surface s, vec3 world, vec3 place) {
    vec3 to_lamp = spot_place - world;
    vec3 ray = spot_frame * (place - spot_place);
    // Dark where no point of the lamp shines at, bright where all of them do with full power.
    float across = length(ray.xy);
    if (ray.z <= 0.0 || across > TAN_CONE * ray.z + SPOT_RADIUS) return vec3(0.0);
    bool bright = across + SPOT_RADIUS < TAN_FULL * ray.z;
    Cast c = located(SPOT, place);
    bool hidden = may_be_hidden(c);
    float open = 1.0;
    if (hidden || !bright) {
        open = 0.0;
        for (int i = 0; i < lamp_points[SPOT]; ++i) {
            float share = bright ? 1.0 : cone(ray - vec3(points[i] * SPOT_RADIUS, 0.0));
            if (hidden && share > 0.0) share *= seen(c, i);
            open += share / lamp_points[SPOT];
        }
    }
    float power = lamp_power[SPOT] / (4.0 * PI * dot(to_lamp, to_lamp));
    return power * open * spot_colour * reflected(s, normalize(to_lamp));
}

vec3 from_area(Surface s, vec3 world, vec3 place) {
    vec3 to_lamp = vec3(0.0, 0.0, AREA_HEIGHT) - world;
    float distance2 = dot(to_lamp, to_lamp);
    vec3 direction = to_lamp * inversesqrt(distance2);
    if (direction.z <= 0.0) return vec3(0.0);  // it shines downwards
    Cast c = located(AREA, place);
    float open = share_seen(c, AREA, SPOT_POINTS);
    float power = lamp_power[AREA] / PI * direction.z / distance2;
    return power * open * reflected(s, direction);
}

vec3 from_sun(Surface s, vec3 world, vec3 place) {
    Cast c = located(SUN, place);
    float open = share_seen(c, SUN, SPOT_POINTS + AREA_POINTS);
    return lamp_power[SUN] * open * reflected(s, vec3(0.0, 0.0, 1.0));
}

// `world`: on the surface, seen from `eye`, its normal towards the camera's side.
vec3 lit(vec3 world, vec3 normal, vec3 colour, vec3 eye) {
    Surface s = surface(normal, normalize(eye - world), colour);
    vec3 place = world + NORMAL_OFFSET * normal;  // off the surface, which must not shade itself
    return from_spot(s, world, place) + from_area(s, world, place) + from_sun(s, world, place);
}
