// The object's depth as seen from every point of every lamp: one instance per tile of the atlas.

uniform mat3 turn;
uniform float size;
uniform vec3 place;
uniform mat4 lamp_projection[3];
uniform vec4 lamp_beyond[3];
uniform vec2 lamp_spread[3];

in vec3 vertex;
in vec2 point;   // on the lamp
in vec2 tile;    // column and row in the atlas
in int lamp;

out float gl_ClipDistance[4];

void main() {
    vec4 world = vec4(turn * vertex * size + place, 1.0);
    world.xyz += DEPTH_OFFSET * lamp_beyond[lamp].xyz;  // away from the lamp: no shadow on itself
    vec4 clip = lamp_projection[lamp] * world;
    clip.xy += lamp_spread[lamp] * point * dot(lamp_beyond[lamp], world);
    // Nothing may reach into the neighbouring tiles.
    gl_ClipDistance[0] = clip.w + clip.x;
    gl_ClipDistance[1] = clip.w - clip.x;
    gl_ClipDistance[2] = clip.w + clip.y;
    gl_ClipDistance[3] = clip.w - clip.y;
    clip.xy = (clip.xy + clip.w * (2.0 * tile + 1.0 - GRID)) / GRID;
    gl_Position = clip;
}
