// Soft shadows: how much of a lamp a point sees, by depth tiles drawn from points on the lamp.
//
// All points of one lamp share the plane through the object's centre on which their tiles lie, so a
// place p is seen by point i in the tile at
//     project(p) + spread * point_i * beyond(p) / w,
// where `beyond` is the distance behind that plane: places in the plane are where all tiles agree,
// and the penumbra widens with the distance from it. No matrix per tap.

uniform sampler2DShadow atlas;           // GRID x GRID tiles: spotlight's, area lamp's, sun's
uniform vec2 points[POINTS];             // on the lamps, in units of their size, one per tile
uniform mat4 lamp_projection[3];         // world -> the tile's clip space, from the lamp's middle
uniform vec4 lamp_beyond[3];             // world -> distance behind the plane
uniform vec2 lamp_spread[3];             // what a unit of `points` moves at distance 1 behind it
// How many points are the lamp's. No constants: Mesa would write the loops out, and an image of 224
// pixels would take 57 ms and not 33.
uniform int lamp_points[3];

// Where a place lies in the lamp's tiles: xyz in [-1, 1] within them, w the shift per unit point.
struct Cast {
    vec3 middle;
    vec2 shift;
};

Cast located(int lamp, vec3 place) {
    vec4 clip = lamp_projection[lamp] * vec4(place, 1.0);
    float w = max(clip.w, 1e-4);
    return Cast(clip.xyz / w, lamp_spread[lamp] * dot(lamp_beyond[lamp], vec4(place, 1.0)) / w);
}

// False where no point of the lamp can have the object before the place.
bool may_be_hidden(Cast c) {
    return c.middle.z > -1.0 && all(lessThan(abs(c.middle.xy), 1.0 + abs(c.shift)));
}

// 1 where lamp point `i` sees the place, 0 where the object hides it, between them at edges. The
// margin of every tile is empty, so places beside it are lit.
float seen(Cast c, int i) {
    const float inside = 1.0 - 1.0 / TILE;
    vec2 tile = vec2(i % GRID, i / GRID);
    vec2 at = clamp(c.middle.xy + c.shift * points[i], -inside, inside) * 0.5 + 0.5;
    return texture(atlas, vec3((at + tile) / GRID, min(c.middle.z * 0.5 + 0.5, 0.9999999)));
}

// Of all points of a lamp, of which `first` is the first, the share that sees the place.
float share_seen(Cast c, int lamp, int first) {
    if (!may_be_hidden(c)) return 1.0;
    float sum = 0.0;
    for (int i = 0; i < lamp_points[lamp]; ++i) sum += seen(c, first + i);
    return sum / lamp_points[lamp];
}
